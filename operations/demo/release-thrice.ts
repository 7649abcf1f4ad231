import { join } from 'node:path';
import type { SlipwayClient } from '../../client/index.js';
import { connect } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import type { ExitCode } from '../../plan/errors.js';
import { exitCodes } from '../../plan/errors.js';
import type { OnProgress, StackState } from '../../stack/index.js';
import { deploy } from '../deploy.js';
import { openProject } from '../project.js';
import { readRunRecord, writeReport } from '../report.js';
import type { Act } from './acts.js';
import { acts, pipeline, service } from './acts.js';
import type { Champions, Played } from './findings.js';
import { problemsOf, secondsToChampion, versionOf } from './findings.js';
import { writeIndexPage } from './index-page.js';
import type { DemoOptions } from './options.js';
import { playAct } from './play-act.js';
import { makeSentences } from './sentences.js';
import { summaryTable } from './table.js';
import type { Traffic } from './traffic.js';
import { prepareTraffic } from './traffic.js';

export interface ReleaseOptions extends DemoOptions {
  /** Project folder that the reports are left in. */
  reports: string;
  state: StackState;
  onProgress: OnProgress;
}

/** What all acts share. */
interface Stage {
  o: ReleaseOptions;
  environment: Environment;
  client: SlipwayClient;
  traffic: Traffic;
}

const requestsPerSecond = 40;

/** Deploys the pipeline, plays the acts one after the other on a running stack, and says how they ended. */
export async function releaseThrice(o: ReleaseOptions): Promise<ExitCode> {
  const { root, env, onProgress } = o;
  const { environment } = await openProject({ root, cwd: root, environment: 'demo', env });
  const texts = await makeSentences(root, env, onProgress);
  await deploy({ root, environment, env, files: [join('pipelines', `${pipeline}.ts`)], by: 'demo', onProgress });
  printLinks(o);
  const client = await connect(environment.temporal);
  const traffic = prepareTraffic({
    address: environment.ports.router.address(),
    service,
    requests: texts.map((text) => ({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }] })),
    perSecond: requestsPerSecond,
  });
  try {
    const played = await playAll({ o, environment, client, traffic });
    return await conclude({ o, environment, client, traffic }, played);
  } finally {
    await traffic.stop();
    await client.close();
  }
}

function printLinks({ print, state }: ReleaseOptions): void {
  const { temporal, mlflow, prometheus, envoy } = state.parts;
  print('');
  for (const [name, link] of [
    ['Temporal UI', temporal?.ui],
    ['MLflow', mlflow?.address],
    ['Prometheus', prometheus?.address],
    ['users', envoy?.address],
  ]) {
    if (link !== undefined) print(`${name}: ${link}`);
  }
}

async function playAll(stage: Stage): Promise<Played[]> {
  const played: Played[] = [];
  let before: Champions = { champion: null, previous: null };
  for (const [i, act] of acts.entries()) {
    stage.o.print(`\nact ${i + 1}  ${act.title}`);
    const one = await play(stage, act, before);
    played.push(one);
    if (one.record.outcome === 'promoted')
      before = { champion: versionOf(one.record) ?? null, previous: before.champion };
  }
  return played;
}

/** One act, the requests of users while it ran, and what of it is not as described. Users come as soon as the service exists. */
async function play({ o, environment, client, traffic }: Stage, act: Act, before: Champions): Promise<Played> {
  const start = traffic.counts();
  const onLook = async (): Promise<void> => {
    if ((await environment.ports.router.read(service)) !== undefined) traffic.begin();
  };
  const ended = await playAct(act, { environment, client, wait: o.wait, print: o.print, signal: o.signal, onLook });
  o.print(`ended ${ended.outcome ?? 'unknown'}`);
  const { requests, failures } = traffic.counts();
  const record = await readRunRecord(environment, ended);
  const counts = { requests: requests - start.requests, failures: failures - start.failures };
  const problems = await problemsOf({ act, record, before, traffic: counts }, environment, traffic);
  return { act, record, traffic: counts, problems };
}

/** Reports, table and verdict. */
async function conclude({ o, environment, traffic }: Stage, played: readonly Played[]): Promise<ExitCode> {
  const reports: string[] = [];
  for (const { record } of played)
    reports.push(await writeReport(environment, record, join(o.reports, '.slipway', 'reports')));
  o.print('');
  for (const line of summaryTable(played)) o.print(line);
  for (const { act, record } of played.filter((one) => one.record.outcome === 'rolled_back')) {
    o.print(
      `${act.name}: users were back at the champion ${secondsToChampion(record, traffic)?.toFixed(1) ?? 'an unknown number of'} s after the verdict`,
    );
  }
  o.print(`reports: ${await writeIndexPage(played, reports)}`);
  const problems = played.flatMap(({ act, problems: found }) => found.map((problem) => `${act.name}: ${problem}`));
  for (const problem of problems) o.print(`not as described: ${problem}`);
  return problems.length === 0 ? exitCodes.ok : exitCodes.unwantedOutcome;
}
