import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { baseEnvironment, writeFileAtomic } from '../../processes/index.js';
import { findOnPath, programs } from '../binaries.js';
import { ensureDebianPrometheus } from '../debian-prometheus.js';
import type { StackPaths } from '../paths.js';
import { answers, type Launch, type Part, type PartContext, port, stateOf } from './part.js';

export const prometheus: Part = {
  name: 'prometheus',
  needs: [],
  after: [],
  ports: { prometheus: 9090 },
  externalVariable: 'SLIPWAY_PROMETHEUS_URL',
  describe: (ports) => ({
    address: `http://127.0.0.1:${port(ports, 'prometheus')}`,
    ui: `http://127.0.0.1:${port(ports, 'prometheus')}`,
  }),
  install: async (context) => void (await program(context)),
  launch,
  isReady: (context) => answers(new URL('/-/ready', stateOf(context, 'prometheus').address).href),
};

async function program(context: PartContext): Promise<{ path: string; webAssets?: string }> {
  const onPath = await findOnPath(programs.prometheus, context.env);
  return onPath ?? (await ensureDebianPrometheus(context.root, context.onProgress));
}

async function launch(context: PartContext): Promise<Launch> {
  const { paths, state } = context;
  const folder = paths.data('prometheus');
  await mkdir(folder, { recursive: true });
  await mkdir(paths.targets, { recursive: true });
  const configFile = join(paths.stack, 'prometheus-config.json');
  await writeFileAtomic(configFile, JSON.stringify(scrapeConfig(paths, state.parts.envoy?.admin), null, 2));
  const { path, webAssets } = await program(context);
  const args = [
    `--config.file=${configFile}`,
    `--web.listen-address=127.0.0.1:${port(context.ports, 'prometheus')}`,
    `--storage.tsdb.path=${folder}`,
    '--storage.tsdb.retention.time=7d',
    '--storage.tsdb.retention.size=1GB',
    '--log.level=warn',
    // Browsers elsewhere have no business here; the default lets every page of the web read it.
    '--web.cors.origin=null',
    ...(webAssets === undefined ? [] : [`--web.local-assets=${webAssets}`]),
  ];
  return { command: path, args, env: baseEnvironment() };
}

/** What is scraped, every second: model servers as they come and go (files of their starter), and the router's data plane. JSON is YAML. */
export function scrapeConfig(paths: Pick<StackPaths, 'targets'>, envoyAdmin: string | undefined): object {
  const models = {
    job_name: 'models',
    file_sd_configs: [{ files: [join(paths.targets, '*.json')], refresh_interval: '1s' }],
  };
  const envoy = {
    job_name: 'envoy',
    metrics_path: '/stats/prometheus',
    static_configs: [{ targets: [new URL(envoyAdmin ?? 'http://none').host] }],
  };
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    scrape_configs: envoyAdmin === undefined ? [models] : [models, envoy],
  };
}
