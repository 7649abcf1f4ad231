import { until } from '../e2e/versioned-project.js';
import { readRunRecord } from '../../operations/report.js';
import { keys } from '../../plan/names.js';
import type { Call } from '../faulty-proxy.js';
import { violationsOf } from './invariants.js';
import type { Lane, Meddler } from './lane.js';
import { referenceRun } from './reference-run.js';
import { newSeed, type Schedule } from './schedule.js';

/**
 * I-31: the machine of a job hangs (SIGSTOP) and its service gives the job up for lost; another attempt does the work. When
 * the run has ended the first job goes on, and stores what it made. Nothing refers to that, and it is marked.
 */
export const lostJob: Schedule = {
  name: 'a job hangs until another attempt has done its work, then ends well',
  faults: 1,
  alone: true,
  lane: { trainer: 'http', attempts: 2 },
  async run(lane) {
    const seed = newSeed('slow');
    const first: { key?: string; pid?: number } = {};
    lane.begin(givenUp(lane, seed, first));
    const end = await referenceRun(lane, seed);
    const violations = await violationsOf(lane, end, { starts: 2, beside: true });
    const { key, pid } = first;
    if (key === undefined || pid === undefined) return { fired: 0, violations };
    process.kill(pid, 'SIGCONT');
    const { store } = lane.environment.ports;
    const own = async () => (await store.list(`jobs/${key}/`)).map((object) => object.key);
    await until(async () => (await own()).some((name) => name.endsWith('/model.safetensors')));
    const record = JSON.stringify(await readRunRecord(lane.environment, end.run));
    if (record.includes(`jobs/${key}/`)) violations.push('I-31: the record refers to what the first job made');
    if (!(await own()).includes(keys.superseded(key))) violations.push('I-31: what the first job made is not marked');
    return { fired: 1, violations, note: `the first job stored ${(await own()).length} objects after it was lost` };
  },
};

/** Stops the first training of a run; from then on the service says of its job that it was lost, also when it is to stop it. */
function givenUp(lane: Lane, seed: string, first: { key?: string; pid?: number }): Meddler {
  return (_place, dependency, call) => {
    const key = jobKey(call);
    if (dependency !== 'trainer' || key === undefined) return 'pass';
    first.key ??= key;
    if (key !== first.key) return 'pass';
    const pid = lane.starts().find((start) => start.seed === seed)?.pid;
    if (pid === undefined) return 'pass';
    if (first.pid === undefined) process.kill(pid, 'SIGSTOP');
    first.pid = pid;
    const failure = { code: 'E_TRAINER_LOST', message: 'its machine does not answer', transient: true };
    const body = { format: 1, key, job: key.slice(0, 32), phase: 'failed', failure };
    return { status: 200, type: 'application/json', body: JSON.stringify(body) };
  };
}

function jobKey({ path }: Call): string | undefined {
  return /^\/jobs\/([0-9a-f]{64})/.exec(path)?.[1];
}
