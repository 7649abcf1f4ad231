import { readRunRecord } from '../../operations/report.js';
import { latestPromotion } from '../../plan/promotions.js';
import type { RunRecord } from '../../plan/messages.js';
import { aliasNames, rolloutWorkflowId } from '../../plan/names.js';
import type { RolloutOutput, StageOutput, VersionOutput } from '../../plan/outputs.js';
import type { Outcome } from '../../plan/verdict.js';
import { artifactFaults } from './artifacts.js';
import { registeredVersions } from './mlflow-facts.js';
import type { Lane } from './lane.js';
import type { RunEnd } from './reference-run.js';
import { weightFaults } from './traffic.js';

/** How a schedule may end. */
export interface Expectation {
  /** Default `['promoted']`. */
  outcomes?: readonly Outcome[];
  /** The harness itself doubled requests, so the registry may hold a marked duplicate. */
  doubled?: boolean;
  /** The server forgot a part of the run, which may have begun its rollout anew. */
  forgotten?: boolean;
  /** A dependency was away for so long, to which the wait for its answer is added. Default 0. */
  awayMs?: number;
  /** How often the trainer's command begins. Default 1. */
  starts?: number;
  /** One of them was given up, and still runs. Default false. */
  beside?: boolean;
}

/** Everything that must hold after a run, whatever happened on the way; one line per violation, each begins with its row. */
export async function violationsOf(lane: Lane, end: RunEnd, expected: Expectation = {}): Promise<string[]> {
  const outcomes = expected.outcomes ?? ['promoted'];
  const { outcome, reason } = end.run;
  const faults: string[] = [];
  if (outcome === null || !outcomes.includes(outcome)) {
    faults.push(`final state: ${outcome} (${reason}), expected ${outcomes.join(' or ')}`);
  }
  const record = await readRunRecord(lane.environment, end.run).catch(() => undefined);
  if (record === undefined) return [...faults, 'final state: the run left no record'];
  const doubled = expected.doubled === true;
  return [
    ...faults,
    ...trainingFaults(lane, end, expected),
    ...(await registryFaults(lane, end, record, doubled)),
    ...(await artifactFaults(lane, versionOf(record), doubled)),
    ...weightFaults(lane, end, record, { again: expected.forgotten === true, awayMs: expected.awayMs ?? 0 }),
    ...(await agreementFaults(lane, record)),
    ...(await historyFaults(lane, end)),
  ];
}

const outputs = <T extends StageOutput>(record: RunRecord, verb: string): T[] =>
  record.stages.filter((s) => s.verb === verb && s.output !== null).map((s) => s.output as T);

function versionOf(record: RunRecord): VersionOutput | undefined {
  return outputs<VersionOutput>(record, 'register')[0];
}

/** I-02: no training job is started twice, and none of a run beside another. */
export function trainingFaults(lane: Lane, end: RunEnd, expected: Expectation = {}): string[] {
  const starts = lane.starts().filter((s) => s.seed === end.seed);
  const faults = starts
    .filter((s) => s.beside.length > 0 && expected.beside !== true)
    .map((s) => `I-02: the trainer was started beside ${s.beside.join(', ')}`);
  if (starts.length !== (expected.starts ?? 1)) faults.push(`I-02: the trainer was started ${starts.length} times`);
  return faults;
}

/** I-01: exactly one live registered version per run key, and it is the one of the lineage. */
async function registryFaults(lane: Lane, end: RunEnd, record: RunRecord, doubled: boolean): Promise<string[]> {
  const registered = await registeredVersions(lane, end.workflowId);
  const live = registered.filter((v) => v.tags['duplicate'] === undefined);
  const version = versionOf(record);
  const faults: string[] = [];
  if (live.length !== 1) faults.push(`I-01: ${live.length} live versions of ${end.workflowId}`);
  if (live[0]?.tags['slipway.artifact_sha256'] !== version?.package.sha256)
    faults.push('I-01: the registered digest is not that of the lineage');
  const created = lane.ledger.done('mlflow POST model-versions/create').length;
  if (!doubled && created > 1) faults.push(`I-01: ${created} versions were created`);
  return faults;
}

/** I-06, I-07: promotion record, registry, router and who answers users agree. */
async function agreementFaults(lane: Lane, record: RunRecord): Promise<string[]> {
  const { environment, name } = lane;
  const { registry, router, serving, store } = environment.ports;
  const promotion = await latestPromotion(store, name, name);
  const served = promotion?.version.version ?? 'none';
  const alias = (await registry.aliases(name))[aliasNames(name, environment.sharedRegistry).champion] ?? 'none';
  const route = await router.read(name);
  const answers = await serving.predict(
    { ...router.address(), service: name },
    { inputs: [] },
    { 'x-user-id': 'check' },
  );
  const rollout = outputs<RolloutOutput>(record, 'rollout')[0];
  const version = versionOf(record)?.version ?? 'none';
  const faults: string[] = [];
  const promoted = promotion?.run.workflowId === record.workflowId;
  if (promoted !== (record.outcome === 'promoted'))
    faults.push(`I-07: the run ended ${record.outcome}, the promotion record says ${promoted ? 'promoted' : 'not'}`);
  if (alias !== served) faults.push(`I-07: alias champion is version ${alias}, the promotion record names ${served}`);
  if (route?.champion.version !== served || route.effectiveWeight !== 0)
    faults.push(
      `I-07: the router serves version ${route?.champion.version}, ${route?.effectiveWeight} % candidate; ${served} is promoted`,
    );
  if (answers.version !== served) faults.push(`I-07: users are answered by version ${answers.version}, not ${served}`);
  if (rollout?.outcome === 'rolled_back') {
    const tags = (await registry.describe(name, version))?.tags ?? {};
    if (tags['slipway.outcome'] !== 'rolled_back') faults.push('I-06: the candidate is not tagged rolled_back');
  }
  const left = (await serving.list()).filter((e) => e.version !== served).map((e) => e.version);
  if (left.length > 0) faults.push(`I-06: servers of versions ${left.join(', ')} were left behind`);
  return faults;
}

/** `WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND`: a message came while the task ended, and the task is done again. */
const messageCame = 1;

/** Nothing is nondeterministic, and no workflow task fails for another reason. */
export async function historyFaults(lane: Lane, end: RunEnd): Promise<string[]> {
  const faults: string[] = [];
  for (const workflowId of [end.workflowId, rolloutWorkflowId(lane.name, lane.name)]) {
    const history = await lane.client.temporal.workflow
      .getHandle(workflowId)
      .fetchHistory()
      .catch(() => undefined);
    for (const { workflowTaskFailedEventAttributes: failed } of history?.events ?? []) {
      if (failed == null || failed.cause === messageCame) continue;
      faults.push(`history: a task of ${workflowId} failed, cause ${failed.cause}: ${failed.failure?.message ?? ''}`);
    }
  }
  return faults;
}
