import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRun } from '../../client/index.js';
import { secondsToChampion } from '../../operations/demo/findings.js';
import { prepareTraffic, type Traffic } from '../../operations/demo/traffic.js';
import { readRunRecord } from '../../operations/report.js';
import type { RunRecord } from '../../plan/messages.js';
import { aliasNames } from '../../plan/names.js';
import type { RolloutOutput } from '../../plan/outputs.js';
import { openEndToEndProject, runUntil, type EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';
import { outputOf } from './run-output.js';

/** Nothing here is judged before users reach the candidate: only they can show that a model is bad. */
const pipeline = `import { canary, definePipeline, fallbackRate, features, trainers } from 'slipway';
import { z } from 'zod';
export default definePipeline('judged', { params: z.strictObject({ dataset: z.string() }) }, (p, params) => {
  const data = p.snapshot('snapshot', { from: params.dataset });
  const model = p.train('train', { trainer: trainers.process({ run: 'python -m iris.train', folder: 'trainers/iris' }), data });
  const version = p.register('register', { model, as: 'judged' });
  p.rollout('promote', {
    version,
    strategy: canary({ steps: [{ weight: 50, hold: '10m' }], bake: '10m' }),
    analysis: [fallbackRate({ max: 0.2 })],
    smoke: [features([5.1, 3.5, 1.4, 0.2])],
  });
});
`;
const flower = { inputs: [{ name: 'features', datatype: 'FP64', shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }] };
const longestMs = 5_000;

let project: EndToEndProject;
let traffic: Traffic | undefined;
beforeAll(async () => {
  writeFileSync(join(projectRoot, 'pipelines/judged.ts'), pipeline);
  mkdirSync(join(projectRoot, 'judged'));
  writeFileSync(join(projectRoot, 'judged/mixed.csv'), mixedUp());
  project = await openEndToEndProject('judged');
}, 600_000);
afterAll(async () => {
  await traffic?.stop();
  await project?.close();
});

/** The flowers with their species in turn: whoever learns from them is sure of nothing, and every answer is a fallback. */
function mixedUp(): string {
  const [header, ...rows] = readFileSync(join(projectRoot, 'trainers/iris/data/iris.csv'), 'utf8')
    .trimEnd()
    .split('\n');
  const species = ['setosa', 'versicolor', 'virginica'];
  const mixed = rows.map((row, i) => [...row.split(',').slice(0, -1), species[i % 3]].join(','));
  return `${[header, ...mixed].join('\n')}\n`;
}

async function release(file: string): Promise<RunRecord> {
  const { client, environment } = project;
  const params = { dataset: `file:${file}` };
  const run = await startRun(client, { environment: 'demo', pipeline: 'judged', params, trigger: 'test' });
  return await readRunRecord(environment, await runUntil(client, run.workflowId, (r) => r.state === 'closed'));
}

test(
  'a candidate that the analysis finds bad is rolled back by itself: users are back at the champion within 5 s of the verdict',
  { timeout: 300_000 },
  async () => {
    const { registry, router } = project.environment.ports;
    expect((await release('trainers/iris/data/iris.csv')).outcome).toBe('promoted');
    traffic = prepareTraffic({ address: router.address(), service: 'judged', requests: [flower], perSecond: 40 });
    traffic.begin();

    const record = await release('judged/mixed.csv');
    const { candidate, champion, ...rollout } = outputOf<RolloutOutput>(record, 'promote');
    const [step] = rollout.steps;
    expect(record).toMatchObject({
      outcome: 'rolled_back',
      reason: expect.stringContaining('fallback-rate') as string,
    });
    expect(step).toMatchObject({ phase: 'canary', weight: 50, report: { verdict: 'fail' } });
    expect(rollout.sequence).toBeNull();

    const back = secondsToChampion(record, traffic);
    console.log(`the candidate's last answer came ${back?.toFixed(1)} s after the verdict`);
    expect(traffic.lastAnswerOf(candidate?.version ?? '')).toBeGreaterThan(Date.parse(step?.startedAt ?? ''));
    expect(back).toBeLessThanOrEqual(longestMs / 1_000);
    expect(await router.read('judged')).toMatchObject({ champion, candidate: null, weight: 0, effectiveWeight: 0 });

    const named = aliasNames('demo', project.environment.sharedRegistry);
    expect((await registry.aliases('judged'))[named.champion]).toBe(champion?.version);
    const tags = (await registry.describe('judged', rollout.version))?.tags;
    expect(tags).toMatchObject({ rolled_back: 'true', 'slipway.outcome': 'rolled_back' });
    expect(tags?.['slipway.evidence']).toContain('fallback-rate');
    expect(traffic.faults()).toEqual([]);
  },
);
