import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { parseJson } from '../../../plan/json.js';
import { writeFileAtomic } from '../../../processes/index.js';
import type { DataPlane, Split } from '../data-plane.js';
import {
  clustersFile,
  clustersFileSchema,
  type DiscoveryFile,
  requestTimeoutSeconds,
  routesFile,
  type Upstream,
} from './config.js';
import { type InForce, readInForce } from './config-dump.js';

const confirmMs = 5_000;
/** Sooner when it says nothing at all: then it does not run. */
const silenceMs = 2_000;
const drainMs = (requestTimeoutSeconds + 5) * 1_000;

export interface EnvoyOptions {
  /** Folder with `rds.json` and `cds.json` that Envoy watches. */
  directory: string;
  /** Base address of Envoy's admin interface. */
  admin: string;
}

/**
 * Envoy, configured by two files that are renamed into its watched folder and confirmed through `/config_dump`.
 * Calls of `apply` must not overlap.
 */
export async function openEnvoy(options: EnvoyOptions): Promise<DataPlane> {
  const files = { routes: join(options.directory, 'rds.json'), clusters: join(options.directory, 'cds.json') };
  const admin = options.admin.replace(/\/$/, '');
  // Whoever wrote the files before us may have requests in flight: its clusters drain like our own.
  const inFile = upstreamsIn(await readText(files.clusters));
  const known = new Map(inFile.map((upstream) => [upstream.id, { upstream, usedAt: Date.now() }]));
  let confirmed = new Set(inFile.map(addressOf));

  async function confirm(routes?: DiscoveryFile): Promise<void> {
    const wanted = [...known.values()].map(({ upstream }) => addressOf(upstream)).sort();
    await waitFor(admin, options.directory, (state) => {
      const inForce = state.upstreams.map(addressOf).sort();
      return isDeepStrictEqual(inForce, wanted) && (routes === undefined || state.routes === routes.version_info);
    });
    confirmed = new Set(wanted);
  }

  return {
    async apply(splits: readonly Split[]): Promise<{ changed: boolean }> {
      const now = Date.now();
      const used = splits.flatMap(upstreamsOf);
      for (const upstream of used) known.set(upstream.id, { upstream, usedAt: now });
      for (const [id, { usedAt }] of known) if (now - usedAt > drainMs) known.delete(id);
      await writeIfOther(files.clusters, clustersFile([...known.values()].map(({ upstream }) => upstream)));
      // A route may name a cluster only once Envoy has it. Going home needs none and waits for nothing.
      if (!used.every((upstream) => confirmed.has(addressOf(upstream)))) await confirm();
      const routes = routesFile(splits);
      const changed = await writeIfOther(files.routes, routes);
      await confirm(routes);
      return { changed };
    },
    async weights(service: string): Promise<Record<string, number> | undefined> {
      return (await readInForce(admin)).weightsOf(service);
    },
  };
}

async function writeIfOther(file: string, content: DiscoveryFile): Promise<boolean> {
  const text = `${JSON.stringify(content, null, 1)}\n`;
  if ((await readText(file)) === text) return false;
  await writeFileAtomic(file, text);
  return true;
}

/** Waits until Envoy reports what was written. */
async function waitFor(admin: string, directory: string, agrees: (state: InForce) => boolean): Promise<void> {
  const started = Date.now();
  let heardAt = started;
  let pauseMs = 2;
  for (;;) {
    try {
      const state = await readInForce(admin);
      if (agrees(state)) return;
      heardAt = Date.now();
    } catch (error) {
      if (Date.now() - heardAt > silenceMs) throw error;
    }
    if (Date.now() - started > confirmMs) throw unconfirmed(directory);
    await delay(pauseMs);
    pauseMs = Math.min(pauseMs * 2, 100);
  }
}

function unconfirmed(directory: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_UNAVAILABLE',
      message: `Envoy did not take over the new files within ${confirmMs / 1_000} s`,
      where: directory,
      fix: "look into Envoy's log for the reason, then try again",
    },
    exitCodes.temporary,
  );
}

function addressOf(upstream: Upstream): string {
  return `${upstream.id} ${upstream.host}:${upstream.port}`;
}

function upstreamsOf(split: Split): Upstream[] {
  return split.candidate === null ? [split.champion] : [split.champion, split.candidate];
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Servers of a clusters file of ours; none when it is missing or somebody else's. */
function upstreamsIn(text: string | undefined): Upstream[] {
  if (text === undefined) return [];
  const parsed = clustersFileSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data.resources : [];
}
