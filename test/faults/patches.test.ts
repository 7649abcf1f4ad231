import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { plantedBugs } from './planted.js';
import { waitsBeforeRecord } from './submissions.js';
import { patched, scaled } from './worker-build.js';

const dist = resolve(import.meta.dirname, '../../dist');
const patches = [...scaled, waitsBeforeRecord, ...plantedBugs.flatMap((bug) => bug.patches)];

test.each(patches)('the patch of $file still fits the built product: $find', (patch) => {
  const text = patched(dist, patch);
  expect(text).toContain(patch.put);
});
