import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { routeSchema } from '../../adapters/router/agent/messages.js';
import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { writeFileAtomic } from '../../processes/index.js';
import type { Held } from './lease.js';

const recordsSchema = z.strictObject({
  format: z.literal(1),
  services: z.array(z.strictObject({ route: routeSchema, expired: z.boolean(), closed: z.boolean().optional() })),
});

/** One change of traffic, as the journal keeps it. */
export interface Change {
  service: string;
  champion: string;
  candidate: string | null;
  weight: number;
  epoch: number;
  /** Who moved it: a client, the end of a lease, or the agent that put back what somebody else had changed. */
  cause: 'applied' | 'expired' | 'corrected';
}

/** What a restarted agent needs, in `services.json`, and what people want to look up, in `journal.jsonl`. */
export interface Records {
  load(): Promise<Held[]>;
  save(services: readonly Held[]): Promise<void>;
  /** Appends one line. */
  note(change: Change): Promise<void>;
}

/** Records in a folder. */
export function recordsIn(directory: string): Records {
  const file = join(directory, 'services.json');
  return {
    async load() {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? [] : parse(text, file);
    },
    save: (services) => writeFileAtomic(file, `${JSON.stringify({ format: 1, services }, null, 1)}\n`),
    note: (change) =>
      appendFile(
        join(directory, 'journal.jsonl'),
        `${JSON.stringify({ time: new Date().toISOString(), ...change })}\n`,
      ),
  };
}

function parse(text: string, file: string): Held[] {
  try {
    return recordsSchema.parse(JSON.parse(text)).services;
  } catch (error) {
    // To begin with nothing would forget who holds which service.
    throw new SlipwayError(
      {
        code: 'E_CONFIG',
        message: `not a record of services: ${error instanceof z.ZodError ? z.prettifyError(error) : String(error)}`,
        where: file,
        fix: 'put back the file, or delete it once no rollout runs',
      },
      exitCodes.configuration,
    );
  }
}
