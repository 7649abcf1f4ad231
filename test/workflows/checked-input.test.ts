import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { checkedInput } from '../../workflows/checked-input.js';

const folder = join(import.meta.dirname, '../fixtures/run-inputs/format-1');
const refused = (input: unknown): unknown => {
  try {
    return checkedInput(input);
  } catch (error) {
    return error;
  }
};

describe('the input of a run', () => {
  test.each(readdirSync(folder))('of format 1 is read as it was written: %s', (name) => {
    const input = JSON.parse(readFileSync(join(folder, name), 'utf8')) as object;
    expect(checkedInput(input)).toEqual(input);
  });

  test.each([undefined, null])('may be missing: %s', (input) => {
    expect(checkedInput(input)).toEqual({});
  });

  test.each([
    [{ format: 2, params: {}, stages: ['train'] }, '2'],
    [{ format: 0 }, '0'],
    [{ format: '1' }, '"1"'],
    [{ format: null }, 'null'],
  ])('of another format is refused with both versions, whatever else it holds: %j', (input, found) => {
    expect(refused(input)).toMatchObject({
      type: 'SchemaVersion',
      nonRetryable: true,
      details: [{ code: 'E_SCHEMA_VERSION' }],
      message: expect.stringContaining(`run input of format ${found}; this build reads 1: start workers`) as string,
    });
  });

  test.each<[unknown, string]>([
    [{ parms: {} }, 'unknown key "parms"'],
    [{ format: 1, stages: [] }, 'unknown key "stages"'],
    ['{"params":{}}', 'the input is a string'],
    [[{}], 'the input is an array'],
    [{ cache: 'no' }, 'cache must be true or false'],
    [{ priority: 0 }, 'priority must be a whole number from 1 to 5'],
    [{ priority: '1' }, 'priority must be a whole number from 1 to 5'],
    [{ rerun: { workflowId: 'dev:iris:1' } }, 'rerun must name workflowId, runId and from'],
  ])('that is none is refused with what is wrong: %j', (input, why) => {
    expect(refused(input)).toMatchObject({
      details: [{ code: 'E_INPUT' }],
      message: expect.stringContaining(`E_INPUT ${why}; the input is one object such as`) as string,
    });
  });
});
