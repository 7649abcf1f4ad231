import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { freePort } from '../../processes/index.js';
import { journalOf, routeTo, startAgent, type TestAgent } from './agent-fixture.js';
import { askAs, startEnvoy, startServer, type TestEnvoy, type TestServer } from './envoy-fixture.js';

const limit = { timeout: 100_000, interval: 20 };

let envoy: TestEnvoy;
let agent: TestAgent;
let servers: TestServer[] = [];

beforeAll(async () => {
  envoy = await startEnvoy();
  agent = await startAgent(envoy);
}, 120_000);
afterAll(async () => {
  await agent.stop();
  await envoy.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

async function pair(service: string) {
  const [a, b] = [await startServer(service, 'a'), await startServer(service, 'b')];
  servers.push(a, b);
  return { champion: a.endpoint, candidate: b.endpoint };
}

describe('users of a service', () => {
  test('lose no request in 120 weight changes at some 50 requests a second', async () => {
    const { champion, candidate } = await pair('busy');
    await agent.router.apply(routeTo(champion, candidate, 0, 1));
    const answers: Promise<{ status: number; answer: string }>[] = [];
    let asked = 0;
    const asking = setInterval(() => answers.push(askAs(envoy.listener, 'busy', `user-${asked++}`)), 20);
    for (let n = 1; n <= 120; n++) await agent.router.apply(routeTo(champion, candidate, (n * 37) % 101, n + 1));
    await vi.waitUntil(() => answers.length >= 120, limit);
    clearInterval(asking);
    const all = await Promise.all(answers);
    expect(all.filter(({ status }) => status !== 200)).toEqual([]);
    expect(new Set(all.map(({ answer }) => answer))).toEqual(new Set([champion.id, candidate.id]));
  });

  test('lose no request when the champion is replaced and its server ends', async () => {
    const { champion, candidate } = await pair('replaced');
    const [first] = servers.filter(({ endpoint }) => endpoint.id === champion.id);
    await agent.router.apply(routeTo(champion, null, 0, 1));
    const answers: Promise<{ status: number }>[] = [];
    const asking = setInterval(() => answers.push(askAs(envoy.listener, 'replaced', `user-${answers.length}`)), 5);
    await vi.waitUntil(() => answers.length >= 20, limit);
    await agent.router.apply(routeTo(candidate, null, 0, 1));
    await first?.stop();
    const then = answers.length;
    await vi.waitUntil(() => answers.length >= then + 40, limit);
    clearInterval(asking);
    expect((await Promise.all(answers)).filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('are told by a header which endpoint was chosen for them', async () => {
    const { champion } = await pair('named');
    await agent.router.apply(routeTo(champion, null, 0, 1));
    expect(await askAs(envoy.listener, 'named', 'u')).toEqual({ status: 200, answer: champion.id, route: champion.id });
  });

  test('are counted and timed in series that carry the labels of their endpoint', async () => {
    const { champion } = await pair('counted');
    await agent.router.apply(routeTo(champion, null, 0, 1));
    await askAs(envoy.listener, 'counted', 'u');
    const label = `envoy_cluster_name="${agent.router.labels(champion)['envoy_cluster_name']}"`;
    const series = async () => (await (await fetch(`${envoy.admin}/stats/prometheus`)).text()).split('\n');
    await vi.waitUntil(
      async () =>
        (await series()).some(
          (line) => line.startsWith('envoy_cluster_upstream_rq_time_bucket') && line.includes(label),
        ),
      limit,
    );
    expect(await series()).toContain(`envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",${label}} 1`);
  });

  test('of another service whose name begins alike are not served by it', async () => {
    const { champion } = await pair('iris');
    await agent.router.apply(routeTo(champion, null, 0, 1));
    expect(await askAs(envoy.listener, 'iris-two', 'u')).toMatchObject({ status: 404 });
  });
});

describe('the journal', () => {
  test('has a line for each change, with its cause, and none for what changes nothing', async () => {
    const { champion, candidate } = await pair('written');
    await agent.router.apply(routeTo(champion, null, 0, 4));
    await agent.router.apply(routeTo(champion, candidate, 10, 5));
    await agent.router.apply(routeTo(champion, candidate, 10, 5));
    await agent.router.renew('written', 5, new Date(Date.now() + 90_000).toISOString());
    await agent.router.apply(routeTo(champion, candidate, 50, 6, 200));
    await vi.waitUntil(async () => (await journalOf(envoy.directory, 'written')).length >= 4, limit);
    const lines = await journalOf(envoy.directory, 'written');
    expect(lines.map(({ weight, epoch, cause }) => [weight, epoch, cause])).toEqual([
      [0, 4, 'applied'],
      [10, 5, 'applied'],
      [50, 6, 'applied'],
      [0, 6, 'expired'],
    ]);
    expect(lines[1]).toMatchObject({
      champion: champion.id,
      candidate: candidate.id,
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
  });
});

describe('a restarted agent', () => {
  test('still holds its leases and epochs', async () => {
    const { champion, candidate } = await pair('kept');
    const route = routeTo(champion, candidate, 30, 9);
    await agent.router.apply(route);
    await agent.stop();
    agent = await startAgent(envoy);
    expect(await agent.router.read('kept')).toEqual({ ...route, effectiveWeight: 30, expired: false });
    await expect(agent.router.apply({ ...route, epoch: 8 })).rejects.toMatchObject({ code: 'E_EPOCH' });
  });

  test('whose lease ended meanwhile goes home at once', async () => {
    const { champion, candidate } = await pair('late');
    const route = routeTo(champion, candidate, 100, 1, 400);
    await agent.router.apply(route);
    await agent.stop();
    await vi.waitUntil(() => Date.now() > Date.parse(route.expiresAt ?? ''), limit);
    expect((await askAs(envoy.listener, 'late', 'u')).answer).toBe(candidate.id);
    agent = await startAgent(envoy);
    await vi.waitUntil(async () => (await askAs(envoy.listener, 'late', 'u')).answer === champion.id, limit);
    expect(await agent.router.read('late')).toMatchObject({ expired: true, effectiveWeight: 0 });
    // Traffic goes home first; the journal is written after it.
    await expect
      .poll(async () => (await journalOf(envoy.directory, 'late')).at(-1), limit)
      .toMatchObject({ weight: 0, cause: 'expired' });
  });

  test('does not begin with nothing when its record cannot be read', async () => {
    const file = join(envoy.directory, 'services.json');
    const before = await readFile(file, 'utf8');
    await agent.stop();
    await writeFile(file, before.slice(0, -20));
    await expect(startAgent(envoy)).rejects.toMatchObject({ code: 'E_CONFIG', exitCode: 78 });
    await writeFile(file, before);
    agent = await startAgent(envoy);
  });
});

describe('an agent', () => {
  test('puts back what somebody else wrote into its files', async () => {
    const { champion, candidate } = await pair('owned');
    await agent.router.apply(routeTo(champion, null, 0, 1));
    const file = join(envoy.directory, 'rds.json');
    const right = await readFile(file, 'utf8');
    await agent.router.apply(routeTo(champion, candidate, 100, 1));
    const wrong = await readFile(file, 'utf8');
    await agent.router.apply(routeTo(champion, null, 0, 1));
    await writeFile(file, wrong);
    await vi.waitUntil(async () => (await readFile(file, 'utf8')) === right, limit);
    await vi.waitUntil(
      async () => (await journalOf(envoy.directory, 'owned')).at(-1)?.['cause'] === 'corrected',
      limit,
    );
  });

  test('says that the change is not confirmed while its router is down, and confirms it later', async () => {
    const down = { ...envoy, admin: `http://127.0.0.1:${await freePort()}` };
    const { champion } = await pair('unconfirmed');
    await agent.stop();
    const cutOff = await startAgent(down);
    await expect(cutOff.router.apply(routeTo(champion, null, 0, 1))).rejects.toMatchObject({
      code: 'E_UNAVAILABLE',
      exitCode: 75,
    });
    await cutOff.stop();
    agent = await startAgent(envoy);
    await vi.waitUntil(async () => (await askAs(envoy.listener, 'unconfirmed', 'u')).answer === champion.id, limit);
  });
});
