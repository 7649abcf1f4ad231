import { describe, expect, test } from 'vitest';
import { parseStateFile } from '../../adapters/job-launcher/state-file.js';
import { SlipwayError } from '../../plan/errors.js';
import { wrongManifests } from './wrong-manifests.js';

const key = 'ab'.repeat(32);
const right = {
  format: 1,
  key,
  files: [
    { path: 'model/my model.skops', uri: 's3://b/jobs/1/model/my model.skops', sha256: 'c'.repeat(64), bytes: 3 },
  ],
  metrics: { accuracy: 0.9 },
  formats: { 'model/my model.skops': 'skops' },
};

function refusal(manifest: object): SlipwayError {
  try {
    parseStateFile(JSON.stringify({ phase: 'succeeded', manifest }), key, 's3://b/jobs/1/log/state.json');
  } catch (error) {
    if (error instanceof SlipwayError) return error;
  }
  throw new Error('it was taken');
}

describe('the manifest that a launcher wrote', () => {
  test('is read, names with spaces too', () => {
    const text = JSON.stringify({ phase: 'succeeded', manifest: right });
    expect(parseStateFile(text, key, 'x')).toEqual({ phase: 'succeeded', manifest: right });
  });

  test('of 200,000 files is refused, and does not repeat them', () => {
    const [file] = right.files;
    const files = Array.from({ length: 200_000 }, (_, n) => ({ ...file, path: `model/${n}` }));
    expect(refusal({ ...right, files }).message).toMatch(/^E_MANIFEST .*\/files: /);
  });

  test.each(wrongManifests(right))('%s is refused', (_, wrong, code) => {
    const error = refusal(wrong);
    expect(error.code).toBe(code);
    expect(error.message).toContain('s3://b/jobs/1/log/state.json');
    expect(error.message.length).toBeLessThan(2_000);
  });

  test('with metrics that are no numbers says so, and names all that is wrong at once', () => {
    const [file] = right.files;
    const error = refusal({ ...right, metrics: { accuracy: '0.9' }, files: [{ ...file, bytes: -1, sha256: 'x' }] });
    expect(error.faults.map(({ code }) => code).sort()).toEqual(['E_MANIFEST', 'E_MANIFEST', 'E_METRIC_INVALID']);
    expect(error.message).toContain('/files/0/sha256');
  });
});
