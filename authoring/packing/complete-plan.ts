import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { canonicalJson } from '../../plan/json.js';
import { keys } from '../../plan/names.js';
import type { CodeFolder, Plan } from '../../plan/plan.js';
import type { RecordedPlan } from '../compile.js';
import { bundlePipeline } from './bundle.js';
import { insideProject } from './inside-project.js';
import { packFolder } from './pack-folder.js';

/** A plan with its code packed. */
export interface CompletePlan {
  plan: Plan;
  /** Hex SHA-256 of the plan's canonical JSON. */
  digest: string;
  /** The packed code by its key in the store: what has to stand there before the plan does. */
  blobs: { key: string; bytes: Uint8Array }[];
}

/**
 * Packs the code of a recorded plan. Writes nothing. Throws `E_PATH_ESCAPE` for code outside the project.
 *
 * @param o.allowOutside the pipeline's file may lie outside, its code folders never; default false
 */
export async function completePlan(
  recorded: RecordedPlan,
  root: string,
  o: { allowOutside?: boolean | undefined } = {},
): Promise<CompletePlan> {
  const project = await realpath(root);
  const { file, folders, ...plan } = recorded;
  const blobs: CompletePlan['blobs'] = [];
  const pipeline = await packPipeline(project, file, o);
  const map = { sha256: sha256Of(pipeline.map), bytes: pipeline.map.length };
  blobs.push({ key: keys.bundle(pipeline.sha256), bytes: pipeline.bytes });
  blobs.push({ key: keys.sourceMap(map.sha256), bytes: pipeline.map });
  const code: Record<string, CodeFolder> = {};
  for (const folder of folders) {
    const packed = await packFolder(await insideProject(project, folder, { kind: 'folder' }));
    const { bytes, ...digests } = packed;
    code[folder] = { ...digests, bytes: bytes.length };
    blobs.push({ key: keys.code(packed.sha256), bytes });
  }
  const complete: Plan = {
    ...plan,
    code: { pipeline: { sha256: pipeline.sha256, bytes: pipeline.bytes.length, map }, folders: code },
  };
  return { plan: complete, digest: planDigest(complete), blobs };
}

/** Hex SHA-256 of a plan's canonical JSON. */
export function planDigest(plan: Plan): string {
  return createHash('sha256').update(canonicalJson(plan)).digest('hex');
}

/** A packed pipeline file. `map` is its source map: where in the author's files each line came from. */
export interface PackedPipeline {
  bytes: Uint8Array;
  sha256: string;
  map: Uint8Array;
}

/** A pipeline file with its imports as one module, `slipway` and `zod` left out; the same sources give the same bytes. */
export async function packPipeline(
  root: string,
  file: string,
  o: { allowOutside?: boolean | undefined } = {},
): Promise<PackedPipeline> {
  const path = await insideProject(root, file, { kind: 'file', ...o });
  const { code, map } = await bundlePipeline(root, path);
  return { bytes: code, sha256: sha256Of(code), map };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
