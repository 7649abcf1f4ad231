import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, type ExitCode } from '../../plan/errors.js';
import { tryMachineLock } from '../../processes/index.js';
import type { Result } from '../faults/schedule.js';
import { type Asked, Misuse, parse, usage } from './arguments.js';
import type { Piece } from './campaign.js';
import { describeCampaign } from './describe.js';
import { shuffled } from './order.js';
import { runPieces } from './run.js';
import { repository, Site } from './site.js';
import { seedOfCommit, sliceOf } from './slice.js';
import { type Summary, summarise } from './summary.js';
import { campaigns } from './table.js';

const sliceMinutes = 4;
/** Ending the lanes and the stack is a part of the time. */
const closingMs = 15_000;
/** What `.ci/summary.mjs` counts. */
const resultsFile = join(repository, '.slipway', 'campaign-results.json');
const began = Date.now();
const stop = new AbortController();

type Course = Exclude<Asked, { kind: 'help' | 'list' }>;

async function main(): Promise<ExitCode> {
  const asked = parse(process.argv.slice(2), campaigns);
  if (asked.kind === 'help') say(usage);
  else if (asked.kind === 'list') for (const campaign of campaigns) say(describeCampaign(campaign));
  else return await alone(asked);
  return exitCodes.ok;
}

/** Campaigns of one checkout have one stack. */
async function alone(asked: Course): Promise<ExitCode> {
  const site = new Site(stop.signal);
  const release = await tryMachineLock(site.root);
  if (release === undefined) {
    say('another campaign of this checkout runs');
    return exitCodes.temporary;
  }
  const seed = seedOf(asked);
  try {
    if (asked.pieces) {
      for (const { name } of await piecesOf(asked, seed, site, 0, 0)) say(name);
      return exitCodes.ok;
    }
    const summary = await run(asked, seed, site);
    mkdirSync(join(repository, '.slipway'), { recursive: true });
    const name = asked.kind === 'slice' ? 'slice' : asked.campaign.name;
    const found = JSON.stringify({
      campaign: name,
      seed,
      seconds: Math.round((Date.now() - began) / 1_000),
      ...summary,
    });
    writeFileSync(resultsFile, found);
    say(asked.json ? found : `${summary.ok ? 'holds' : 'DOES NOT HOLD'}: ${found}`);
    return summary.ok ? exitCodes.ok : exitCodes.unwantedOutcome;
  } finally {
    await site.close();
    await release();
  }
}

/** Of a slice, what the commit says, so that each commit has other pieces. */
function seedOf(asked: Course): number {
  const ofCommit = asked.kind === 'slice' ? seedOfCommit() : undefined;
  const seed = asked.seed ?? ofCommit ?? began % 1_000_000;
  const same = asked.seed === undefined ? ` --seed ${seed}` : '';
  say(`seed ${seed}; the same again: npm run campaign -- ${process.argv.slice(2).join(' ')}${same}`);
  return seed;
}

async function run(asked: Course, seed: number, site: Site): Promise<Summary> {
  const { lanes } = asked;
  const limits = { lanes, until: untilOf(asked), signal: stop.signal, tell };
  const results: Result[] = [];
  let skipped = 0;
  for (let round = 0; ; round++) {
    const pieces = await piecesOf(asked, seed, site, round, results.length);
    if (pieces.length === 0) break;
    say(`${pieces.length} pieces, ${Math.round((Date.now() - began) / 1_000)} s after the start`);
    const ran = await runPieces(pieces, { ...limits, first: round === 0 });
    results.push(...ran.results);
    if (round === 0) skipped = ran.skipped.length;
    if (ran.skipped.length > 0) break;
  }
  return summarise(results, skipped);
}

/** In ms since the epoch. */
function untilOf(asked: Course): number {
  if (asked.kind === 'campaign' && asked.full && asked.minutes === undefined) return Number.POSITIVE_INFINITY;
  const usual = asked.kind === 'slice' ? sliceMinutes : asked.campaign.minutes;
  return began + (asked.minutes ?? usual) * 60_000 - closingMs;
}

/** The pieces of a round in the order of the seed, after so many have run; none when there is no such round. */
async function piecesOf(asked: Course, seed: number, site: Site, round: number, done: number): Promise<Piece[]> {
  const wanted = ({ name }: Piece) => asked.only.test(name);
  if (asked.kind === 'slice') {
    if (round > 0) return [];
    const { lanes } = asked;
    return (await sliceOf(campaigns, { site, seed, until: untilOf(asked), lanes })).filter(wanted);
  }
  const { campaign, numbers, full, minutes } = asked;
  // Each once; then what is still missing of what the rows ask for, or of the time that was told.
  const missing = minutes !== undefined ? Infinity : full ? (campaign.asks ?? 0) - done : 0;
  if (round > 0 && missing <= 0) return [];
  const pieces = (await campaign.pieces({ seed, round, numbers, site })).filter(wanted);
  return shuffled(pieces, seed + round).slice(0, round === 0 ? undefined : missing);
}

function tell(result: Result): void {
  const failed = result.violations.length > 0 || !result.finished;
  const state = failed ? 'VIOLATED' : result.fired < result.faults ? 'not fired' : 'holds';
  say(`${state.padEnd(9)} ${result.seconds.toFixed(1).padStart(6)} s  ${result.name}`);
  if (result.note !== undefined) say(`          ${result.note}`);
  for (const violation of result.violations) say(`          ${violation}`);
}

/** Standard output may be a pipe. */
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(exitCodes.interrupted);
    say('ends when what runs has ended; once more ends it at once');
    stop.abort();
  });
}
process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof Misuse)) throw error;
  process.stderr.write(`${error.message}\n${usage}\n`);
  return exitCodes.usage;
});
