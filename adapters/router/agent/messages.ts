import { z } from 'zod';

import { isKebabCase } from '../../../plan/names.js';

/** What travels between the agent and its clients, strict on both sides. */
const serviceName = z.string().refine(isKebabCase, 'a kebab-case name of 1 to 64 characters');
const epoch = z.int().min(0);
const time = z.iso.datetime({ offset: true });

const endpointSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,127}$/, 'lower-case letters, digits and dashes, 1 to 128 characters'),
  service: serviceName,
  host: z.literal('127.0.0.1'),
  port: z.int().min(1).max(65_535),
  version: z.string().min(1).max(200),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits'),
});

const routeFields = {
  service: serviceName,
  champion: endpointSchema,
  candidate: endpointSchema.nullable(),
  weight: z.number().min(0).max(100),
  epoch,
  expiresAt: time.nullable(),
};

/** Body of `PUT /services/:service`. */
export const routeSchema = z.strictObject(routeFields).superRefine((route, context) => {
  const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (route.champion.service !== route.service) refuse(['champion', 'service'], `must be ${route.service}`);
  if (route.candidate === null) {
    if (route.weight !== 0) refuse(['weight'], 'must be 0 without a candidate');
    if (route.expiresAt !== null) refuse(['expiresAt'], 'must be null without a candidate');
    return;
  }
  if (route.candidate.service !== route.service) refuse(['candidate', 'service'], `must be ${route.service}`);
  if (route.candidate.id === route.champion.id) refuse(['candidate', 'id'], "must differ from the champion's");
  if (route.expiresAt === null) refuse(['expiresAt'], 'a candidate needs the time at which its lease ends');
});

/** Body of `POST /services/:service/renew`. */
export const renewSchema = z.strictObject({ epoch, expiresAt: time });

/** Answer of all three calls on a service. */
export const routeStateSchema = z.strictObject({
  ...routeFields,
  effectiveWeight: z.number().min(0).max(100),
  expired: z.boolean(),
});

/** Every refusal: the faults of a SlipwayError. */
export const refusalSchema = z.strictObject({
  faults: z
    .array(
      z.strictObject({
        code: z.string(),
        message: z.string(),
        where: z.string().optional(),
        fix: z.string().optional(),
      }),
    )
    .min(1),
});
