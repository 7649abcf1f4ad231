import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { SlipwayError } from '../../plan/errors.js';
import type { Fault } from '../../plan/errors.js';
import type { RecordedPlan } from '../compile.js';
import { bundleForLoading } from '../packing/bundle.js';
import { folderFaults } from '../packing/folder-faults.js';
import { insideProject } from '../packing/inside-project.js';
import { runLoader } from './run-loader.js';

/** What one file gave: the plans of its pipelines, or everything that is wrong with it. */
export interface LoadResult {
  /** Relative to the project root. */
  file: string;
  plans: RecordedPlan[];
  faults: Fault[];
}

export interface LoadOptions {
  /** Project folder: paths and places are relative to it. */
  root: string;
  /** Pipeline files, absolute or relative to the root. */
  files: readonly string[];
  /** Files outside the project, and links to such, are loaded too. Default false. */
  allowOutside?: boolean | undefined;
  /** How long one file may take. Default 10,000 ms. */
  timeoutMs?: number;
  /** Memory that one file may take. Default 512 MiB. */
  memoryMiB?: number;
}

const maxFileBytes = 1024 * 1024;

/**
 * Records the pipelines of files. Each file is loaded in a process of its own, with limits of time, memory and output and an
 * environment that tells it nothing, so that a broken or hostile file harms neither the caller nor the other files.
 */
export async function loadPipelines(options: LoadOptions): Promise<LoadResult[]> {
  const root = await realpath(options.root);
  const results: LoadResult[] = [];
  // One after the other: each process may take a whole core and much memory.
  for (const file of options.files) results.push(await loadFile(root, file, options));
  return results;
}

async function loadFile(root: string, given: string, options: LoadOptions): Promise<LoadResult> {
  const file = relative(root, resolve(root, given)).split(sep).join('/');
  const scratch = await mkdtemp(join(tmpdir(), 'slipway-load-'));
  try {
    const path = await insideProject(root, file, {
      kind: 'file',
      maxBytes: maxFileBytes,
      allowOutside: options.allowOutside,
    });
    const bundle = join(scratch, 'pipeline.mjs');
    await bundleForLoading(root, path, bundle);
    const loaded = await runLoader({
      root,
      file,
      bundle,
      timeoutMs: options.timeoutMs ?? 10_000,
      memoryMiB: options.memoryMiB ?? 512,
    });
    const missing = (await Promise.all(loaded.plans.map((plan) => folderFaults(plan, root)))).flat();
    return { file, plans: missing.length > 0 ? [] : loaded.plans, faults: [...loaded.faults, ...missing] };
  } catch (error) {
    if (error instanceof SlipwayError) return { file, plans: [], faults: [...error.faults] };
    throw error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
