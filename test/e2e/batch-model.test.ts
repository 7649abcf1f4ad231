import { afterAll, beforeAll, expect, test } from 'vitest';
import { keys } from '../../plan/names.js';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';

let project: EndToEndProject;
beforeAll(async () => {
  project = await openEndToEndProject('iris-batch');
}, 600_000);
afterAll(() => project?.close());

interface Described {
  outcome: string;
  stages: { id: string; status: string; note: string | null; output: Record<string, unknown> | null }[];
}

test(
  'a sweep trains its models, the best one is promoted without traffic, people are told',
  { timeout: 600_000 },
  async () => {
    const { code, stdout } = await slipway(project.root, 'run', 'iris-batch', '--run-key', 'sweep', '--env', 'demo');
    expect(stdout).toContain('demo:iris-batch:sweep ended: promoted');
    expect(code).toBe(0);
    const { stdout: json } = await slipway(
      project.root,
      'describe',
      'demo:iris-batch:sweep',
      '--env',
      'demo',
      '--json',
    );
    const stages = Object.fromEntries((JSON.parse(json) as Described).stages.map((s) => [s.id, s]));
    expect(stages['decide']?.output).toEqual({ kind: 'route', taken: true });
    expect(stages['tell-promoted']?.status).toBe('done');
    expect(stages['tell-kept']).toMatchObject({ status: 'skipped', note: 'decide went the other way' });
    expect(stages['promote']?.output).toMatchObject({ outcome: 'promoted', service: 'iris-batch', sequence: 1 });
    const { store } = project.environment.ports;
    expect(await store.list(keys.promotions('demo', 'iris-batch'))).toHaveLength(1);
  },
);

test('the same again is a sweep of cached models and a second promotion record', { timeout: 600_000 }, async () => {
  const { stdout } = await slipway(project.root, 'run', 'iris-batch', '--run-key', 'again', '--env', 'demo');
  expect(stdout).toContain('ended: promoted');
  const { stdout: json } = await slipway(project.root, 'describe', 'demo:iris-batch:again', '--env', 'demo', '--json');
  const sweep = (JSON.parse(json) as Described).stages.find((s) => s.note?.includes('elements') === true);
  expect(sweep?.note).toMatch(/\d+ cached/);
});
