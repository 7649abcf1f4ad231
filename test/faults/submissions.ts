import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runWorkflowId } from '../../plan/names.js';
import type { Kill } from '../faulty-proxy.js';
import type { Place } from './calls.js';
import { historyFaults, trainingFaults, violationsOf } from './invariants.js';
import type { Lane } from './lane.js';
import { happened, referenceRun } from './reference-run.js';
import { killAt, newSeed, type Schedule } from './schedule.js';
import type { Patch } from './worker-build.js';

const submission: Place = { operation: 'trainer PUT job', nth: 1 };
/** The first asks whether there is a job of the key. */
const firstPoll: Place = { operation: 'trainer GET job', nth: 2 };
const service = { trainer: 'http' } as const;

/** I-02: the worker dies around what it says to a trainer that is a service; one job begins, and a cancelled run leaves none. */
export const submissions: readonly Schedule[] = (['before', 'after'] as const).flatMap((when) => [
  begunOnce(killAt(submission, when)),
  begunOnce(killAt(firstPoll, when)),
  killAtStop(when),
]);

/** What the service itself says of it: it answers 201 for a job that begins, 200 for one that it has. */
function begunOnce(schedule: Schedule): Schedule {
  return {
    ...schedule,
    lane: service,
    async run(lane) {
      const ran = await schedule.run(lane);
      return { ...ran, violations: [...ran.violations, ...begunFaults(lane)] };
    },
  };
}

function begunFaults(lane: Lane): string[] {
  const begun = lane.ledger.done(submission.operation).filter(({ status }) => status === 201).length;
  return begun === 1 ? [] : [`I-02: the service began ${begun} jobs`];
}

/** The run is cancelled while its job trains, and the worker dies around the stop. */
function killAtStop(when: Kill['when']): Schedule {
  return {
    name: `kill ${when} trainer POST stop #1, cancelled`,
    faults: 1,
    lane: service,
    async run(lane) {
      const seed = newSeed('held');
      let fired = 0;
      lane.begin(({ operation }) => {
        if (fired > 0 || operation !== 'trainer POST stop') return 'pass';
        fired++;
        return { kill: lane.worker.kill, when, callerDies: true };
      });
      const run = referenceRun(lane, seed);
      await happened(run, () => started(lane, seed));
      await lane.client.temporal.workflow.getHandle(runWorkflowId(lane.name, 'reference', seed)).cancel();
      const end = await run;
      const violations = [...trainingFaults(lane, end), ...begunFaults(lane), ...(await historyFaults(lane, end))];
      const { outcome, reason } = end.run;
      if (outcome !== 'cancelled') violations.push(`final state: ${outcome} (${reason}), expected cancelled`);
      const left = lane.starts().filter((s) => s.seed === seed && existsSync(`/proc/${s.pid}`));
      if (left.length > 0) violations.push(`I-25: process ${left[0]?.pid} still trains for a run that was cancelled`);
      return { fired, violations };
    },
  };
}

/** Made by the harness when the next launcher shall go unrecorded; renamed by the worker when it waits there. */
const armed = 'stop-before-record';
const waits = 'stopped-before-record';

/** The worker stops where a launcher runs and its record is not written; there it is killed. */
export const waitsBeforeRecord: Patch = {
  file: 'processes/start-detached.js',
  find: 'await writeFileAtomic(o.recordFile,',
  put: `if (o.args.includes('slipway_launcher')) {
            const stops = await import('node:fs/promises').then((fs) => fs.rename('${armed}', '${waits}')).then(() => true, () => false);
            if (stops) await new Promise(() => {});
        }
        await writeFileAtomic(o.recordFile,`,
};

/** I-34: nobody can say whose the launcher is, while its command trains; it is ended before another one starts. */
export const unrecorded: Schedule = {
  name: 'kill between the start of a launcher and its record',
  faults: 1,
  alone: true,
  async run(lane) {
    const seed = newSeed('held');
    lane.begin();
    writeFileSync(join(lane.root, armed), '');
    const run = referenceRun(lane, seed);
    await happened(run, () => existsSync(join(lane.root, waits)) && started(lane, seed));
    lane.worker.kill();
    return { fired: 1, violations: await violationsOf(lane, await run, { starts: 2 }) };
  },
};

function started(lane: Lane, seed: string): boolean {
  return lane.starts().some((s) => s.seed === seed);
}
