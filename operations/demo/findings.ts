import type { Environment } from '../../config/open.js';
import type { RunRecord } from '../../plan/messages.js';
import { aliasNames } from '../../plan/names.js';
import type { VersionOutput } from '../../plan/outputs.js';
import { outputsOf } from '../report/outputs-of.js';
import type { Act } from './acts.js';
import type { Traffic, TrafficCounts } from './traffic.js';

/** Who served before an act, and who before that. */
export interface Champions {
  champion: VersionOutput | null;
  previous: VersionOutput | null;
}

/** One act as it was played. */
export interface Played {
  act: Act;
  record: RunRecord;
  /** Requests of users while it ran. */
  traffic: TrafficCounts;
  /** In what it ended otherwise than described. */
  problems: string[];
}

const backWithinMs = 5_000;

/** The version that the run registered. */
export function versionOf(record: RunRecord): VersionOutput | undefined {
  return outputsOf(record, 'register').at(-1)?.output;
}

/** Everything in which an act ended otherwise than described; empty when all is as it should be. */
export async function problemsOf(
  played: Omit<Played, 'problems'> & { before: Champions },
  environment: Environment,
  traffic: Traffic,
): Promise<string[]> {
  const { act, record } = played;
  const problems: string[] = [];
  if (record.outcome !== act.outcome)
    problems.push(`it ended ${record.outcome} (${record.reason ?? 'no reason'}), not ${act.outcome}`);
  const rollout = outputsOf(record, 'rollout').at(-1)?.output;
  if (act.firstModel && rollout?.firstModel !== true) problems.push('it was not marked as the first model');
  if (played.traffic.failures > 0)
    problems.push(`${played.traffic.failures} requests of users failed: ${traffic.faults().join(' | ')}`);
  const version = versionOf(record);
  if (version === undefined) return [...problems, 'it registered no version'];
  problems.push(...(await aliasProblems(act, played.before, environment, version)));
  if (act.outcome === 'rolled_back') problems.push(...(await rollbackProblems(record, environment, traffic, version)));
  return problems;
}

/** The registry's aliases have to tell who serves and who did before. */
async function aliasProblems(
  act: Act,
  before: Champions,
  environment: Environment,
  version: VersionOutput,
): Promise<string[]> {
  const names = aliasNames(environment.name, environment.sharedRegistry);
  const [champion, previous] =
    act.outcome === 'promoted' ? [version, before.champion] : [before.champion, before.previous];
  const aliases = await environment.ports.registry.aliases(version.name);
  const wanted = { [names.champion]: champion?.version, [names.previous]: previous?.version };
  return Object.entries(wanted)
    .filter(([alias, number]) => aliases[alias] !== number)
    .map(([alias, number]) => `alias ${alias} is version ${aliases[alias] ?? 'none'}, not ${number ?? 'none'}`);
}

/** Users were back at the champion in time, and the registry says why the candidate went. */
async function rollbackProblems(
  record: RunRecord,
  environment: Environment,
  traffic: Traffic,
  version: VersionOutput,
): Promise<string[]> {
  const problems: string[] = [];
  const after = secondsToChampion(record, traffic);
  if (after === undefined) problems.push('no analysis judged the candidate by requests of users');
  else if (after * 1_000 > backWithinMs)
    problems.push(`the candidate still answered users ${after.toFixed(1)} s after the verdict`);
  const tags = (await environment.ports.registry.describe(version.name, version.version))?.tags ?? {};
  if (tags['rolled_back'] !== 'true') problems.push(`version ${version.version} is not tagged rolled_back`);
  if ((tags['slipway.evidence'] ?? '[]') === '[]')
    problems.push(`version ${version.version} is not tagged with the evidence`);
  return problems;
}

/** How long after the verdict the candidate last answered a user; 0 when it did not any more. */
export function secondsToChampion(record: RunRecord, traffic: Pick<Traffic, 'lastAnswerOf'>): number | undefined {
  const rollout = outputsOf(record, 'rollout').at(-1)?.output;
  const verdictAt = rollout?.steps.at(-1)?.report?.at;
  const last = rollout === undefined ? undefined : traffic.lastAnswerOf(rollout.candidate?.version ?? rollout.version);
  if (verdictAt === undefined || last === undefined) return undefined;
  return Math.max(0, last - Date.parse(verdictAt)) / 1_000;
}
