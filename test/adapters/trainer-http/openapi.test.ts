import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';

import { jobDocument } from '../../../adapters/trainer/http/job-document.js';
import { callbackMessage, jobMessage, logMessage, refusalMessage } from '../../../adapters/trainer/http/messages.js';
import { denied, failed, key, running, spec, succeeded } from './service-fixture.js';

const file = resolve(import.meta.dirname, '../../../trainers/http-server/openapi.json');
const document = JSON.parse(readFileSync(file, 'utf8')) as { components: { schemas: object } };
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'api', components: document.components });
const valid = (schema: string, value: unknown): boolean =>
  ajv.validate({ $ref: `api#/components/schemas/${schema}` }, value);

test('the document is OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('describes what the adapter sends', () => {
  const sent: unknown = JSON.parse(
    JSON.stringify(jobDocument(spec, key, { TOKEN: 'value' }, 'https://gateway.example/callbacks/dev/http')),
  );
  expect(valid('JobDocument', sent), ajv.errorsText()).toBe(true);
  expect(valid('JobDocument', { ...(sent as object), more: 1 })).toBe(false);
});

describe('says the same as the adapter about', () => {
  const lost = { format: 1, key, job: 'j-1', phase: 'lost', reason: 'gone' };
  const log = { format: 1, key, job: 'j-1', text: '', next: 0 };
  const callback = { type: 'job', timestamp: '2026-01-01T00:00:00Z', data: running };
  test.each([
    ['Job', jobMessage, { ...running, phase: 'queued' }],
    ['Job', jobMessage, running],
    ['Job', jobMessage, succeeded],
    ['Job', jobMessage, failed],
    ['Job', jobMessage, lost],
    ['Log', logMessage, log],
    ['Refusal', refusalMessage, denied],
    ['Callback', callbackMessage, callback],
  ])('%s: what is right', (name, schema, value) => {
    expect(schema.safeParse(value).error).toBeUndefined();
    expect(valid(name, value), ajv.errorsText()).toBe(true);
    // Each field that is taken away is missed by both, and neither takes one more.
    for (const field of Object.keys(value)) {
      const { [field]: _gone, ...rest } = value as Record<string, unknown>;
      expect(schema.safeParse(rest).success, `${name} without ${field}`).toBe(valid(name, rest));
    }
    expect(schema.safeParse({ ...value, more: 1 }).success || valid(name, { ...value, more: 1 })).toBe(false);
  });

  test.each([
    ['Job', jobMessage, { ...running, job: '../x' }],
    ['Job', jobMessage, { ...running, phase: 'done' }],
    ['Job', jobMessage, { ...running, key: 'AB'.repeat(32) }],
    ['Job', jobMessage, { ...failed, failure: { ...failed.failure, code: 'E_UNAVAILABLE' } }],
    ['Log', logMessage, { ...log, next: -1 }],
    ['Refusal', refusalMessage, { faults: [] }],
    ['Callback', callbackMessage, { ...callback, type: 'other' }],
  ])('%s: what is wrong', (name, schema, value) => {
    expect(schema.safeParse(value).success).toBe(false);
    expect(valid(name, value)).toBe(false);
  });
});
