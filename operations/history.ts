import type { Environment } from '../config/open.js';
import type { RunRecord } from '../plan/messages.js';
import type { StageOutput } from '../plan/outputs.js';
import { canonicalJson, type JsonObject } from '../plan/json.js';
import { recentRecords } from './past-runs.js';

/** One ended run as its pipeline's history shows it. Times are ISO 8601. */
export interface HistoryEntry {
  workflowId: string;
  runId: string;
  outcome: string;
  /** Why it ended so; of one that went as it should, what it came to. */
  reason: string;
  startedAt: string;
  endedAt: string;
  /** Where it came from: `cli`, `schedule`, `rerun:<run>`, …; null when it did not say. */
  trigger: string | null;
  rerunOf: string | null;
  plan: string;
  params: JsonObject;
  /** What differs from the run before: `plan`, `param epochs`, `data of snapshot`. */
  changed: string[];
  /** Digests of its data sets, by stage. */
  data: Record<string, string>;
  /** Registered versions, such as `intents/3`. */
  versions: string[];
  /** Stages that an earlier result stood in for. */
  cached: string[];
  /** Who approved or rejected; without proof of identity. */
  decidedBy: string[];
}

/** What ran, why and with what: the ended runs of a pipeline, newest first. */
export async function history(environment: Environment, pipeline: string, limit: number): Promise<HistoryEntry[]> {
  // One more than shown, so that the oldest has something to be compared with.
  const records = await recentRecords(environment, pipeline, limit + 1);
  return records.slice(0, limit).map((record, i) => entry(record, records[i + 1]));
}

function entry(record: RunRecord, before: RunRecord | undefined): HistoryEntry {
  return {
    workflowId: record.workflowId,
    runId: record.runId,
    outcome: record.outcome,
    reason: reasonOf(record),
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    trigger: record.trigger ?? null,
    rerunOf: record.rerunOf ?? null,
    plan: record.plan,
    params: record.params,
    changed: before === undefined ? [] : changesSince(before, record),
    data: dataOf(record),
    versions: outputs(record).flatMap((o) => ('kind' in o && o.kind === 'version' ? [`${o.name}/${o.version}`] : [])),
    cached: record.stages.filter((s) => s.status === 'cached').map((s) => s.id),
    decidedBy: outputs(record).flatMap((o) =>
      'decision' in o && o.by !== null ? [`${o.by} (${o.decision}, ${o.verified ? 'verified' : 'unverified'})`] : [],
    ),
  };
}

function reasonOf(record: RunRecord): string {
  if (record.reason !== null && record.reason !== '') return record.reason;
  const promoted = outputs(record).flatMap((o) =>
    'outcome' in o && 'service' in o && o.outcome === 'promoted'
      ? [`${o.service} is version ${o.version}${o.firstModel ? ', its first model' : ''}`]
      : [],
  );
  if (promoted.length > 0) return promoted.join('; ');
  return record.outcome === 'completed'
    ? 'all of its stages are done'
    : `it ended ${record.outcome} and did not say why`;
}

function outputs(record: RunRecord): StageOutput[] {
  return record.stages.flatMap((s) => (s.output === null ? [] : [s.output]));
}

function dataOf(record: RunRecord): Record<string, string> {
  return Object.fromEntries(
    record.stages.flatMap((s) =>
      s.output !== null && 'kind' in s.output && s.output.kind === 'dataset' ? [[s.id, s.output.digest]] : [],
    ),
  );
}

function changesSince(before: RunRecord, now: RunRecord): string[] {
  const differing = (a: JsonObject, b: JsonObject) =>
    [...new Set([...Object.keys(a), ...Object.keys(b)])]
      .sort()
      .filter((key) => canonicalJson(a[key]) !== canonicalJson(b[key]));
  return [
    ...(before.plan === now.plan ? [] : ['plan']),
    ...differing(before.params, now.params).map((name) => `param ${name}`),
    ...differing(dataOf(before), dataOf(now)).map((stage) => `data of ${stage}`),
  ];
}
