import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActivityContext } from '../../activities/context.js';
import { verifyServing } from '../../activities/verify-serving.js';
import { startRun } from '../../client/index.js';
import { latestPromotion } from '../../plan/promotions.js';
import { restoreServing } from '../../operations/restore-serving.js';
import type { ServingReport } from '../../operations/verify-serving.js';
import type { Endpoint } from '../../plan/outputs.js';
import { slipway } from '../cli/command-line.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';

const pipeline = `import { canary, definePipeline, features, requestErrors, trainers } from 'slipway';
import { z } from 'zod';
export default definePipeline('identity', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  const model = p.train('train', { trainer: trainers.process({ run: 'python -m iris.train', folder: 'trainers/iris' }), data });
  const version = p.register('register', { model, as: 'identity' });
  p.rollout('promote', {
    version,
    strategy: canary({ steps: [{ weight: 20, hold: '10m' }], bake: '10m' }),
    analysis: [requestErrors({ max: 0.01 })],
    smoke: [features([5.1, 3.5, 1.4, 0.2])],
  });
});
`;

interface LbEndpoint {
  endpoint: { address: { socket_address: object } };
}
interface Cluster {
  name: string;
  load_assignment: { endpoints: [{ lb_endpoints: LbEndpoint[] }] };
}

let project: EndToEndProject;
let other: Endpoint | undefined;

beforeAll(async () => {
  writeFileSync(join(projectRoot, 'pipelines/identity.ts'), pipeline);
  // No other file releases in this environment: its champions are restored as a whole.
  project = await openEndToEndProject('identity', 'dev');
  const { client } = project;
  const run = await startRun(client, { environment: 'dev', pipeline: 'identity', params: {}, trigger: 'test' });
  // Throws when it ends otherwise.
  await runUntil(client, run.workflowId, (r) => r.outcome === 'promoted');
}, 600_000);
afterAll(async () => {
  if (other !== undefined) await project.environment.ports.serving.unload(other);
  await project?.close();
});

async function verify(): Promise<{ code: number | null; report: ServingReport }> {
  const { code, stdout } = await slipway(project.root, 'verify-serving', 'identity', '--env', 'dev', '--json');
  return { code, report: JSON.parse(stdout) as ServingReport };
}

/** A second server of the same model, as an older version of it: a replica that an update has missed. */
async function loadStaleReplica(): Promise<Endpoint> {
  const { store, serving } = project.environment.ports;
  const promotion = await latestPromotion(store, 'dev', 'identity');
  if (promotion === undefined) throw new Error('nothing was promoted');
  return serving.load({ service: 'identity', version: '0', files: promotion.version.model.files });
}

/** Does something while an endpoint is in the cluster of the version that serves, behind the back of the router agent, which puts back what it finds changed. */
async function whileReplicated<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T> {
  const again = setInterval(() => addReplica(endpoint), 20);
  try {
    return await work();
  } finally {
    clearInterval(again);
    removeReplicas();
  }
}

const clustersFile = (): string => join(project.root, '.slipway/envoy/cds.json');
/** The router's document as it is now: other files change their own services in it meanwhile. */
function changeCluster(change: (members: LbEndpoint[]) => LbEndpoint[]): void {
  const document = JSON.parse(readFileSync(clustersFile(), 'utf8')) as { version_info: string; resources: Cluster[] };
  const [endpoints] =
    document.resources.find(({ name }) => name.startsWith('identity-'))?.load_assignment.endpoints ?? [];
  if (endpoints === undefined) throw new Error('the router has no cluster of the service');
  const changed = change(endpoints.lb_endpoints);
  if (changed.length === endpoints.lb_endpoints.length) return;
  endpoints.lb_endpoints = changed;
  document.version_info = createHash('sha256').update(JSON.stringify(document.resources)).digest('hex').slice(0, 16);
  // Envoy sees a file only when it is renamed into its folder.
  writeFileSync(`${clustersFile()}.draft`, JSON.stringify(document));
  renameSync(`${clustersFile()}.draft`, clustersFile());
}
function addReplica({ host, port }: Endpoint): void {
  const address = { socket_address: { address: host, port_value: port } };
  changeCluster((members) => (members.length > 1 ? members : [...members, { endpoint: { address } }]));
}
const removeReplicas = (): void => changeCluster((members) => members.slice(0, 1));

describe('verify-serving', () => {
  test('is answered by the promoted version a hundred times out of a hundred', async () => {
    const { code, report } = await verify();
    expect(code).toBe(0);
    expect(report).toMatchObject({
      probes: 100,
      matched: 100,
      mismatches: [],
      healthy: true,
      expected: { version: '1' },
    });
  });

  test("is answered again after the stack came back without the champion's server", async () => {
    const { environment } = project;
    const { serving } = environment.ports;
    const ofService = async () => (await serving.list()).filter((e) => e.service === 'identity');
    for (const endpoint of await ofService()) await serving.unload(endpoint);
    expect((await verify()).report.matched).toBe(0);
    await restoreServing(environment, () => undefined);
    const { code, report } = await verify();
    expect({ code, matched: report.matched }).toEqual({ code: 0, matched: 100 });
  });

  test('reports a replica of another version, and ends 1', async () => {
    other = await loadStaleReplica();
    const { serving, router } = project.environment.ports;
    const address = { ...router.address(), service: 'identity' };
    const { code, report } = await whileReplicated(other, async () => {
      await expect.poll(async () => (await serving.version(address)).version, { timeout: 60_000 }).toBe('0');
      return await verify();
    });
    expect(code).toBe(1);
    expect(report.healthy).toBe(false);
    expect(report.mismatches).toEqual([
      { answer: `version 0 (${other.sha256.slice(0, 12)})`, count: 100 - report.matched },
    ]);
    expect(report.matched).toBeGreaterThan(0);
    expect(report.matched).toBeLessThan(100);
  });
  test('is what the check of a run says too: promoted, but not healthy', async () => {
    const { environment } = project;
    const endpoint = (await environment.ports.serving.list()).find(
      (e) => e.service === 'identity' && e.version === '1',
    );
    if (endpoint === undefined) throw new Error('the promoted version has no server');
    const context = { environment: () => Promise.resolve(environment) } as unknown as ActivityContext;
    if (other === undefined) throw new Error('there is no stale replica');
    const check = await whileReplicated(other, async () => {
      const { serving, router } = environment.ports;
      const address = { ...router.address(), service: 'identity' };
      await expect.poll(async () => (await serving.version(address)).version, { timeout: 60_000 }).toBe('0');
      return await verifyServing(context, { environment: 'dev', endpoint });
    });
    expect(check.verdict).toBe('fail');
    expect(check.reason).toMatch(/^\d+\/100 probes answered by version 1, \d+ × version 0 \([0-9a-f]{12}\)$/);
  });
});
