import { z } from 'zod';

import type { JsonObject } from '../../../plan/json.js';
import { stepOf } from '../../../plan/progress.js';
import type { MlflowApi } from '../../mlflow-api/client.js';
import { fromTagList, toTagList } from '../../mlflow-api/tags.js';
import type { TrackedMetrics, TrackingFacts } from '../port.js';
import { mlflowName } from './names.js';
import type { Run } from './runs.js';

/** MLflow's limits of one `runs/log-batch` request, and of a value. */
const batchLimits = { params: 100, metrics: 1000, tags: 100 };
const maxParam = 500;
const maxTag = 5000;

type Entry = { key: string; value: string | number };

/** Logs what the run does not have yet: parameters cannot change in MLflow, and a metric logged twice would be two points. */
export async function logFacts(api: MlflowApi, known: Run, facts: TrackingFacts, signal?: AbortSignal): Promise<void> {
  const runId = known.info.run_id;
  const left = {
    params: newParams(facts.params ?? {}, known),
    metrics: newMetrics(facts.metrics ?? {}, known),
    tags: newTags(facts.tags ?? {}, known),
  };
  while (left.params.length + left.metrics.length + left.tags.length > 0) {
    // MLflow also limits all three together to 1000.
    const params = left.params.splice(0, batchLimits.params);
    const tags = left.tags.splice(0, batchLimits.tags);
    const metrics = left.metrics.splice(0, batchLimits.metrics - params.length - tags.length);
    await api.call('POST', 'runs/log-batch', { run_id: runId, params, metrics, tags }, z.object({}), signal);
  }
}

/** Numbers of a training under way, below `training.`: what the trainer reports at its end keeps its own names. */
export async function logProgress(
  api: MlflowApi,
  runId: string,
  numbers: Record<string, number>,
  signal?: AbortSignal,
): Promise<void> {
  const timestamp = Date.now();
  const metrics = progressPoints(numbers).map((point) => ({ ...point, timestamp }));
  if (metrics.length === 0) return;
  await api.call('POST', 'runs/log-batch', { run_id: runId, metrics }, z.object({}), signal);
}

/** The points of one step; the number that counts the steps is no point itself. */
export function progressPoints(numbers: Record<string, number>): { key: string; value: number; step: number }[] {
  const step = stepOf(numbers);
  return Object.entries(numbers)
    .filter(([name]) => name !== step?.name)
    .map(([name, value]) => ({ key: mlflowName(['training', name]), value, step: step?.value ?? 0 }));
}

/** `{ recall: { a: 1 } }` → `recall.a`, in names that MLflow takes. Where two would be the same, the dots inside their names are written otherwise. */
export function flatMetrics(metrics: TrackedMetrics): Record<string, number> {
  const all = leaves(metrics, []);
  const times = new Map<string, number>();
  for (const { path } of all) times.set(path.join('.'), (times.get(path.join('.')) ?? 0) + 1);
  return Object.fromEntries(all.map(({ path, value }) => [mlflowName(path, times.get(path.join('.')) !== 1), value]));
}

function leaves(metrics: TrackedMetrics, above: string[]): { path: string[]; value: number }[] {
  return Object.entries(metrics).flatMap(([name, value]) =>
    typeof value === 'number' ? [{ path: [...above, name], value }] : leaves(value, [...above, name]),
  );
}

function newParams(params: JsonObject, known: Run): Entry[] {
  const there = new Set(known.data.params.map(({ key }) => key));
  return Object.entries(params)
    .map(([name, value]) => ({
      key: mlflowName([name]),
      value: cut(typeof value === 'string' ? value : JSON.stringify(value), maxParam),
    }))
    .filter(({ key }) => !there.has(key));
}

function newMetrics(metrics: TrackedMetrics, known: Run): Entry[] {
  const there = new Map(known.data.metrics.map(({ key, value }) => [key, value]));
  const timestamp = Date.now();
  return Object.entries(flatMetrics(metrics))
    .filter(([key, value]) => there.get(key) !== value)
    .map(([key, value]) => ({ key, value, timestamp, step: 0 }));
}

function newTags(tags: Record<string, string>, known: Run): Entry[] {
  const there = fromTagList(known.data.tags);
  return toTagList(tags)
    .map(({ key, value }) => ({ key: mlflowName([key]), value: cut(value, maxTag) }))
    .filter(({ key, value }) => there[key] !== value);
}

function cut(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
