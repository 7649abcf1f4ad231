import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineConfig, localStack } from '../../config/index.js';
import type { ConfigInput, EnvironmentInput } from '../../config/index.js';
import { findRoot, loadConfig } from '../../config/load.js';
import { isVersioned, parseConfig, sharesRegistry } from '../../config/schema.js';
import { toPolicy } from '../../config/policy.js';
import { SlipwayError } from '../../plan/errors.js';
import { defaultPolicy } from '../../plan/policy.js';
import { copyConfig } from './repository-config.js';

const local = (more: object = {}): EnvironmentInput => ({ ...localStack(), ...more });
const config = (environments: Record<string, EnvironmentInput>): ConfigInput =>
  defineConfig({ defaultEnvironment: 'dev', environments });

function faultsOf(value: unknown): SlipwayError {
  try {
    parseConfig(value, 'slipway.config.ts');
  } catch (error) {
    if (error instanceof SlipwayError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('checking a configuration', () => {
  test('accepts the local stack and fills in defaults', () => {
    const { environments } = parseConfig(config({ dev: local() }), 'f');
    expect(environments['dev']).toMatchObject({
      protected: false,
      notifiers: [],
      approvers: {},
      store: { region: 'us-east-1' },
    });
  });

  test('lists every fault at once, each with its place', () => {
    const wrong = local({
      protectd: true,
      registry: { adapter: 'mlflow' },
      router: { adapter: 'nginx' },
      policy: { rollout: { hold: '3 parsecs' } },
    });
    const error = faultsOf(config({ dev: wrong }));
    expect(error.exitCode).toBe(78);
    expect(error.faults.map((f) => f.where).sort()).toEqual([
      '/environments/dev',
      '/environments/dev/policy/rollout/hold',
      '/environments/dev/registry/uri',
      '/environments/dev/router/adapter',
    ]);
  });

  test('takes pools by name with how many jobs may run at once, 20 when it is not said', () => {
    const { environments } = parseConfig(config({ dev: local({ pools: { gpu: { atOnce: 5 }, cpu: {} } }) }), 'f');
    expect(environments['dev']?.pools).toEqual({ gpu: { atOnce: 5 }, cpu: { atOnce: 20 } });
  });

  test('refuses pools of no jobs, of wrong names, and of two sizes in one namespace', () => {
    const gpu = (atOnce: number) => ({ gpu: { atOnce } });
    expect(faultsOf(config({ dev: local({ pools: gpu(0) }) })).faults.map((f) => f.where)).toEqual([
      '/environments/dev/pools/gpu/atOnce',
    ]);
    const error = faultsOf(config({ dev: local({ pools: { ...gpu(5), GPU: {} } }), demo: local({ pools: gpu(4) }) }));
    expect(error.faults.map((f) => `${f.where}: ${f.message}`)).toEqual([
      '/environments/dev/pools/gpu/atOnce: workers serve a whole namespace: demo in default says 4 at once',
      '/environments/dev/pools/GPU: a pool is named in kebab-case, 1 to 64 characters',
      '/environments/demo/pools/gpu/atOnce: workers serve a whole namespace: dev in default says 5 at once',
    ]);
  });

  test('takes prices of trainers and pools that are there, and of no others', () => {
    const priced = (prices: object) => config({ dev: local({ pools: { gpu: {} }, prices }) });
    const { environments } = parseConfig(priced({ currency: 'EUR', pools: { gpu: 3.6 } }), 'f');
    expect(environments['dev']?.prices).toEqual({ currency: 'EUR', trainers: {}, pools: { gpu: 3.6 } });
    const unknown = faultsOf(priced({ currency: 'EUR', trainers: { proces: 1 }, pools: { cpu: 1 } }));
    expect(unknown.faults.map((f) => [f.where, f.message])).toEqual([
      ['/environments/dev/prices/trainers', expect.stringContaining('did you mean `process`?')],
      ['/environments/dev/prices/pools', expect.stringContaining('known are gpu')],
    ]);
    const wrong = faultsOf(priced({ currency: '€', trainers: { process: -1 } }));
    expect(wrong.faults.map((f) => f.where)).toEqual([
      '/environments/dev/prices/currency',
      '/environments/dev/prices/trainers/process',
    ]);
  });

  test('refuses environments of one namespace whose workers would and would not be versioned', () => {
    const versioned = local({ temporal: { ...localStack().temporal, versioned: true } });
    const error = faultsOf(config({ dev: local(), demo: versioned }));
    expect(error.faults.map((f) => f.where)).toEqual([
      '/environments/dev/temporal/versioned',
      '/environments/demo/temporal/versioned',
    ]);
    expect(error.message).toContain('workers serve a whole namespace: demo in default says otherwise');
  });

  test('versions the workers of protected environments, unless it says otherwise', () => {
    const own = (namespace: string, more: object) =>
      local({ protected: true, temporal: { ...localStack().temporal, namespace, ...more } });
    const { environments } = parseConfig(
      config({ dev: local(), prod: own('p', {}), old: own('o', { versioned: false }) }),
      'f',
    );
    expect(Object.entries(environments).map(([name, e]) => [name, isVersioned(e)])).toEqual([
      ['dev', false],
      ['prod', true],
      ['old', false],
    ]);
  });

  test('names the known keys and the one that was probably meant', () => {
    const error = faultsOf(config({ dev: local({ aprovers: {} }) }));
    expect(error.message).toContain('unknown key `aprovers`: known are protected, temporal');
    expect(error.message).toContain('did you mean `approvers`?');
  });

  test('finds the known keys inside an adapter too', () => {
    const store = { ...localStack().store, buckt: 'models' };
    expect(faultsOf(config({ dev: local({ store }) })).message).toContain('did you mean `bucket`?');
  });

  test('refuses a default environment that does not exist', () => {
    expect(faultsOf(config({ devel: local() })).message).toContain('unknown environment `dev`: known are devel');
  });

  test('refuses a protected environment that shares its namespace', () => {
    const error = faultsOf(config({ dev: local(), prod: local({ protected: true }) }));
    expect(error.faults[0]?.where).toBe('/environments/prod/temporal/namespace');
  });

  const held = (hold: string) => config({ dev: local({ policy: { rollout: { hold } } }) });

  test.each(['0s', '-1m', '400d', 'soon'])('refuses %s as a duration', (hold) => {
    expect(faultsOf(held(hold)).message).toContain('expected a duration');
  });

  test('accepts a duration of ten weeks', () => {
    expect(() => parseConfig(held('10w'), 'f')).not.toThrow();
  });

  test('accepts references where addresses are expected, and nothing else that is no address', () => {
    const at = (uri: string) => config({ dev: local({ registry: { adapter: 'mlflow', uri } }) });
    expect(() => parseConfig(at('env:MLFLOW_URI'), 'f')).not.toThrow();
    expect(() => parseConfig(at('https://mlflow.example.com'), 'f')).not.toThrow();
    expect(faultsOf(at('mlflow.example.com:5000')).faults[0]?.where).toBe('/environments/dev/registry/uri');
  });

  test('takes a trainer on SageMaker, and names what is wrong with one', () => {
    const trainer = {
      adapter: 'sagemaker',
      region: 'eu-central-1',
      endpoint: 'env:SAGEMAKER',
      role: 'arn:aws:iam::123456789012:role/jobs',
      image: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/slipway:1',
      spot: { wait: '6h' },
      secrets: { 'env:TOKEN': 'team/token' },
    };
    const at = (more: object) => config({ dev: local({ trainers: { gpu: { ...trainer, ...more } } }) });
    expect(() => parseConfig(at({}), 'f')).not.toThrow();
    const wrong = { region: 'Frankfurt', role: 'jobs', instanceType: 'large', spot: { wait: '40d' } };
    const where = faultsOf(at(wrong)).faults.map((fault) => fault.where?.replace('/environments/dev/trainers/gpu', ''));
    expect(where).toEqual(expect.arrayContaining(['/region', '/role', '/instanceType']));
    expect(faultsOf(at({ secrets: { hunter2: 'team/token' } })).faults).toHaveLength(1);
  });

  test('takes a trainer on Kubernetes, and names what is wrong with one', () => {
    const trainer = {
      adapter: 'kubernetes',
      kubeconfig: 'file:/home/ada/.kube/config',
      namespace: 'ml-jobs',
      image: 'registry.example.com/slipway-trainers:7',
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      labels: { 'kueue.x-k8s.io/queue-name': 'research' },
      secrets: { 'env:TOKEN': { name: 'team-hub', key: 'token' } },
    };
    const at = (more: object) => config({ dev: local({ trainers: { gpu: { ...trainer, ...more } } }) });
    expect(() => parseConfig(at({}), 'f')).not.toThrow();
    const wrong = { namespace: 'ML', kubeconfig: '/home/ada/.kube/config', startTimeout: '5s', image: 'a b' };
    const where = faultsOf(at(wrong)).faults.map((fault) => fault.where?.replace('/environments/dev/trainers/gpu', ''));
    expect(where).toEqual(expect.arrayContaining(['/namespace', '/kubeconfig', '/startTimeout', '/image']));
    expect(faultsOf(at({ labels: { 'a b': 'x' } })).faults).toHaveLength(1);
    expect(faultsOf(at({ secrets: { hunter2: { name: 'a', key: 'b' } } })).faults).toHaveLength(1);
  });
});

describe('environments that share a registry', () => {
  const remote = { adapter: 'mlflow', uri: 'https://mlflow.example.com' };
  const temporal = (namespace: string) => ({ address: 'env:TEMPORAL', namespace });

  test('carry their names in aliases', () => {
    const a = local({ registry: remote, temporal: temporal('a') });
    const both = parseConfig(config({ dev: a, staging: local({ registry: remote, temporal: temporal('b') }) }), 'f');
    expect(sharesRegistry(both, 'dev')).toBe(true);
    expect(sharesRegistry(parseConfig(config({ dev: a, demo: local() }), 'f'), 'dev')).toBe(false);
  });

  test('do not when the registry is the local stack', () => {
    expect(sharesRegistry(parseConfig(config({ dev: local(), demo: local() }), 'f'), 'dev')).toBe(false);
  });
});

describe('a policy', () => {
  test('is in milliseconds, with defaults for what is not set', () => {
    const policy = toPolicy({ rollout: { hold: '12s', leaseTtl: '10s' }, approval: { within: '15m' } });
    expect(policy.rollout).toEqual({ ...defaultPolicy.rollout, holdMs: 12_000, leaseTtlMs: 10_000 });
    expect(policy.approval).toEqual({ withinMs: 900_000 });
    expect(toPolicy(undefined)).toEqual(defaultPolicy);
  });
});

describe('loading a configuration', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'slipway-config-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
  const minimal =
    "import { defineConfig, localStack } from 'slipway/config';\nexport default defineConfig({ defaultEnvironment: 'dev', environments: { dev: localStack() } });\n";

  test('works in a folder where the package is not installed', async () => {
    write('slipway.config.ts', minimal);
    expect(Object.keys((await loadConfig(root)).environments)).toEqual(['dev']);
  });

  test('finds the project folder from below', () => {
    write('slipway.config.ts', minimal);
    expect(findRoot(join(root, 'pipelines', 'deep'))).toBe(root);
  });

  test.each([
    ['there is none', {}, 'there is no slipway.config.ts'],
    ['there are two', { 'slipway.config.ts': minimal, 'slipway.config.mjs': minimal }, 'more than one configuration'],
    ['it throws', { 'slipway.config.ts': "throw new Error('no luck');" }, 'does not load: no luck'],
    ['it exports nothing', { 'slipway.config.ts': 'export const x = 1;' }, 'E_CONFIG'],
  ])('says so when %s', async (_, files, message) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    await expect(loadConfig(root)).rejects.toMatchObject({
      exitCode: 78,
      code: 'E_CONFIG',
      message: expect.stringContaining(message) as string,
    });
  });

  test('is the one of this repository, with its four environments', async () => {
    copyConfig(root);
    const { environments, defaultEnvironment } = await loadConfig(root);
    expect(Object.keys(environments)).toEqual(['demo', 'dev', 'staging', 'prod']);
    expect(defaultEnvironment).toBe('dev');
    expect(Object.values(environments).map((e) => e.protected)).toEqual([false, false, true, true]);
  });
});
