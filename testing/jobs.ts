import { createHash } from 'node:crypto';
import type { FileRef } from '../plan/artifact.js';
import { keys } from '../plan/names.js';
import type { JsonObject } from '../plan/json.js';
import type { Metrics } from '../plan/outputs.js';
import type { JobSpec } from '../adapters/trainer/port.js';
import type { Stage } from '../plan/plan.js';
import type { FakeStore } from './fakes/store.js';
import type { Ending } from './fakes/trainer.js';
import type { PipelineScript } from './script.js';

/** What a script may know of the job that it answers for. */
export interface JobAbout {
  stage: string;
  /** From 1. */
  attempt: number;
  params: JsonObject;
  /** Whose scores an evaluator is asked for. */
  of: 'candidate' | 'champion';
}

/** How a scripted job ends. */
export type JobEnding = { seconds: number } & (
  | { kind: 'model'; content: string; metrics: Metrics }
  | { kind: 'failure'; code: string; message: string; transient: boolean }
);

/** A job that leaves a model. `content`: its bytes; the same content is the same model. `seconds`: how long it says it ran, default 0. */
export function fakeModel(o: { metrics?: Metrics; content?: string; seconds?: number } = {}): JobEnding {
  const { content = 'a model', metrics = {}, seconds = 0 } = o;
  return { kind: 'model', content, metrics, seconds };
}

/** A job that fails. Default: the command ended with an exit code other than 0, and another attempt may succeed. */
export function failingJob(
  o: { message?: string; code?: string; transient?: boolean; seconds?: number } = {},
): JobEnding {
  const { message = 'exit code 1', code = 'E_TRAINER_EXIT', transient = false, seconds = 0 } = o;
  return { kind: 'failure', code, message, transient, seconds };
}

/** What a trainer far away would do with a job of this run. */
export function playJob(
  spec: JobSpec,
  key: string,
  o: { script: PipelineScript; stages: readonly Stage[]; store: FakeStore; isChampion: (file: FileRef) => boolean },
): Ending {
  const { stage, attempt } = spec.identity;
  const verb = o.stages.find((s) => s.id === stage)?.verb;
  const of = (spec.inputs['model'] ?? []).some(o.isChampion) ? 'champion' : 'candidate';
  const about: JobAbout = { stage, attempt, params: spec.hyperparameters, of };
  const leave = (path: string, text: string) => keep(o.store, `${keys.job(key)}${path}`, path, text);
  if (spec.expects.includes('data')) {
    const rows = (o.script.data?.[stage] ?? []).map((row) => JSON.stringify(row)).join('\n');
    return { manifest: { files: [leave('output/data/rows.jsonl', rows)], metrics: null } };
  }
  if (spec.expects.includes('model')) {
    const ending = trained(o.script.trainers?.[stage], about);
    const ranMs = ending.seconds * 1_000;
    if (ending.kind === 'failure') {
      const { code, message, transient } = ending;
      return { failure: { code, message, transient }, ranMs };
    }
    return { manifest: { files: [leave('model/model.onnx', ending.content)], metrics: ending.metrics }, ranMs };
  }
  if (verb === undefined) throw new Error(`no stage ${stage} in the pipelines of this test`);
  return { manifest: { files: [], metrics: scores(o.script, about) } };
}

function trained(given: NonNullable<PipelineScript['trainers']>[string] | undefined, about: JobAbout): JobEnding {
  if (given === undefined) return fakeModel();
  if (typeof given === 'function') return given(about);
  const list = 'kind' in given ? [given] : given;
  return list[Math.min(about.attempt, list.length) - 1] ?? fakeModel();
}

function scores(script: PipelineScript, about: JobAbout): Metrics | null {
  const champions = Object.values(script.champions ?? {});
  const theirs = champions.find((c) => c.scores?.[about.stage] !== undefined)?.scores?.[about.stage];
  if (about.of === 'champion' && theirs !== undefined) return theirs;
  const given = script.evaluators?.[about.stage];
  return typeof given === 'function' ? given(about) : (given ?? null);
}

/** Stores a file of a job. */
export function keep(store: FakeStore, key: string, path: string, text: string): FileRef {
  const body = Buffer.from(text);
  void store.put(key, body);
  return { path, uri: store.uri(key), sha256: createHash('sha256').update(body).digest('hex'), bytes: body.length };
}
