import { describe, expect, test } from 'vitest';

import { nameOfKey } from '../../../adapters/job-launcher/job-name.js';
import { marksOf, ownerLabels, ownerOf } from '../../../adapters/trainer/kubernetes/job-name.js';
import type { JobSpec } from '../../../adapters/trainer/port.js';

const legal = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const job = (run: string) => ({ identity: { run, stage: 'train', attempt: 2 } }) as JobSpec;

describe('the marks of a job', () => {
  test.each(['dev:iris:7f3a', `dev:${'x'.repeat(200)}`, '::', ' a ', "it's $(id)", 'ä:ü', '2026-11-21T03:00:00Z'])(
    'are labels that Kubernetes takes, and annotations that keep every character: %j',
    (run) => {
      const { labels, annotations } = marksOf(nameOfKey('a'.repeat(64)), 'a'.repeat(64), job(run), 'prod');
      for (const value of Object.values(labels)) expect(value).toMatch(legal);
      expect(ownerOf(annotations)).toEqual({ environment: 'prod', run, stage: 'train', attempt: 2 });
      expect(labels).toMatchObject(ownerLabels({ environment: 'prod', run }));
    },
  );

  test('keep long names apart', () => {
    const label = (run: string) => ownerLabels({ run })['slipway.dev/run'];
    expect(label(`${'x'.repeat(100)}1`)).not.toBe(label(`${'x'.repeat(100)}2`));
  });
});
