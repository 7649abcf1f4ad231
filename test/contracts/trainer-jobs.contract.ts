import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';

import type { JobSpec, JobState, Trainer } from '../../adapters/trainer/port.js';
import { storms } from './repetitions.js';

/** What a test wants a real job to do; `programs` says it in Python, another language may say it too. */
export type JobBehaviour =
  /** Writes `model/model.txt` (`weights`) and `metrics.json`. */
  | 'makes a model'
  /** Writes the same, says `half done` and ends with 1. */
  | 'fails with outputs'
  /** Ends with 64: never try again. */
  | 'is misconfigured'
  /** Writes progress `{"epoch": 3, "loss": 0.25}`, says `running`, then runs. */
  | 'tells its progress'
  /** Says its secret in pieces, its length, and writes model and metrics. */
  | 'says its secret'
  /** Without a checkpoint: writes `epoch.txt` (`3`), ends with 75. With one: says `resumed at 3`, writes model and metrics. */
  | 'resumes'
  /** Starts a grandchild in a session of its own; all ignore SIGTERM. Says `running`, then runs. */
  | 'leaves children'
  /** Prints 2000 numbered lines and ends well, without outputs. */
  | 'talks';

const outputs = `import json, os, sys, time
def model():
    open(os.environ['SM_MODEL_DIR'] + '/model.txt', 'w').write('weights')
    json.dump({'accuracy': 0.75}, open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w'))
def run():
    print('running', flush=True)
    time.sleep(600)
`;
const program = (text: string): string => outputs + text;

export const programs: Record<JobBehaviour, string> = {
  'makes a model': program('model()'),
  'fails with outputs': program("model()\nprint('half done')\nsys.exit(1)"),
  'is misconfigured': program('sys.exit(64)'),
  'tells its progress': program(`
folder = os.environ['SM_OUTPUT_INTERMEDIATE_DIR']
json.dump({'epoch': 3, 'loss': 0.25}, open(folder + '/progress.json.part', 'w'))
os.rename(folder + '/progress.json.part', folder + '/progress.json')
run()`),
  'says its secret': program(`
secret = os.environ['TOKEN']
sys.stdout.write('secret ' + secret[:5]); sys.stdout.flush(); time.sleep(0.2)
print(secret[5:], flush=True)
print('length', len(secret), file=sys.stderr)
model()`),
  resumes: program(`
file = os.environ['SM_CHECKPOINT_DIR'] + '/epoch.txt'
if not os.path.exists(file):
    open(file + '.part', 'w').write('3'); os.rename(file + '.part', file)
    sys.exit(75)
print('resumed at', open(file).read())
model()`),
  'leaves children': program(`
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('running', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, '-c', "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True).wait()", code])
time.sleep(600)`),
  talks: program("for n in range(2000): print('line', n, '\\u00e4')"),
};

export interface JobHarness {
  trainer: Trainer;
  /** A job with model and metrics expected where the behaviour makes them; `more` overrides. */
  job(behaviour: JobBehaviour, more?: Partial<JobSpec>): JobSpec;
  /** A reference that the trainer can resolve, and the value behind it. */
  secret: { ref: string; value: string };
  /** Everything stored below the job's outputs: path → content. */
  stored(spec: JobSpec): Promise<Record<string, Uint8Array>>;
  /** How many processes of the job of this key run, wherever they went. */
  alive(key: string): Promise<number>;
  /** Everything that the trainer keeps about the job where it runs, as one text: state, logs, specification. */
  kept(job: string): Promise<string>;
}

const newKey = (): string => randomBytes(32).toString('hex');
const patience = { timeout: 100_000, interval: 50 };

/** What every trainer must do with jobs that really run. */
export function describeTrainerJobs(name: string, open: () => Promise<JobHarness>): void {
  describe(`jobs of trainer ${name}`, () => {
    let harness: JobHarness;
    let trainer: Trainer;
    beforeAll(async () => {
      harness = await open();
      trainer = harness.trainer;
    });
    const ended = async (job: string): Promise<JobState> => {
      await expect.poll(async () => (await trainer.poll(job)).phase, patience).not.toBe('running');
      return trainer.poll(job);
    };
    const says = async (job: string, text: string): Promise<void> => {
      await expect.poll(async () => (await trainer.logs(job)).text, patience).toContain(text);
    };

    test('stores outputs whole, with size, digest and the format of the model', async () => {
      const spec = harness.job('makes a model');
      const state = await ended(await trainer.start(spec, newKey()));
      if (state.phase !== 'succeeded') throw new Error(JSON.stringify(state));
      const stored = await harness.stored(spec);
      for (const { path, bytes, sha256 } of state.manifest.files) {
        expect(stored[path]?.length, path).toBe(bytes);
        expect(
          createHash('sha256')
            .update(stored[path] ?? '')
            .digest('hex'),
          path,
        ).toBe(sha256);
      }
      expect(state.manifest.formats).toEqual({ 'model/model.txt': 'text' });
      expect(JSON.parse(Buffer.from(stored['manifest.json'] ?? []).toString())).toMatchObject({ format: 1 });
    });

    test('stores no output of a job that failed, only its log', async () => {
      const spec = harness.job('fails with outputs');
      expect(await ended(await trainer.start(spec, newKey()))).toMatchObject({ phase: 'failed' });
      expect(Object.keys(await harness.stored(spec)).filter((path) => !path.startsWith('log/'))).toEqual([]);
    });

    test('tells a failure that repeats itself from one that may not', async () => {
      const state = await ended(await trainer.start(harness.job('is misconfigured'), newKey()));
      expect(state).toMatchObject({ phase: 'failed', failure: { code: 'E_TRAINER_REFUSED', transient: false } });
    });

    test('tells how far a job is', async () => {
      const job = await trainer.start(harness.job('tells its progress'), newKey());
      await expect
        .poll(() => trainer.poll(job), patience)
        .toMatchObject({ phase: 'running', progress: { epoch: 3, loss: 0.25 } });
      await trainer.stop(job);
    });

    test('hands secrets to the command and to nobody else', async () => {
      const { ref, value } = harness.secret;
      const spec = harness.job('says its secret', { secrets: { TOKEN: ref } });
      const job = await trainer.start(spec, newKey());
      expect(await ended(job)).toMatchObject({ phase: 'succeeded' });
      const { text } = await trainer.logs(job);
      expect(text).toContain(`length ${value.length}`);
      expect(text).toContain('secret [secret TOKEN]');
      const stored = Object.values(await harness.stored(spec)).map((bytes) => Buffer.from(bytes).toString('latin1'));
      expect([text, ...stored, await harness.kept(job)].join('\n')).not.toContain(value);
    });

    test('says which secret is missing, by its reference, and starts nothing', async () => {
      const key = newKey();
      const start = trainer.start(harness.job('makes a model', { secrets: { TOKEN: 'env:NOT_THERE_AT_ALL' } }), key);
      await expect(start).rejects.toMatchObject({
        code: 'E_SECRET_REF',
        message: expect.stringContaining('NOT_THERE_AT_ALL') as string,
      });
      expect(await harness.alive(key)).toBe(0);
    });

    test('gives the next attempt the last checkpoint', async () => {
      const first = harness.job('resumes');
      const interrupted = await ended(await trainer.start(first, newKey()));
      expect(interrupted).toMatchObject({ phase: 'failed', failure: { transient: true } });
      const second = harness.job('resumes', { checkpoints: first.checkpoints });
      const job = await trainer.start(second, newKey());
      expect(await ended(job)).toMatchObject({ phase: 'succeeded' });
      expect((await trainer.logs(job)).text).toContain('resumed at 3');
    });

    test('leaves no process of a stopped job, however it was started', storms, async () => {
      const key = newKey();
      const job = await trainer.start(harness.job('leaves children'), key);
      await says(job, 'running');
      expect(await harness.alive(key)).toBeGreaterThan(2);
      await trainer.stop(job);
      expect(await harness.alive(key)).toBe(0);
    });

    test('lets a log be followed, without a gap and without a repetition', async () => {
      const job = await trainer.start(harness.job('talks', { expects: [] }), newKey());
      await ended(job);
      let all = '';
      for (let from = 0; ;) {
        const { text, next } = await trainer.logs(job, { from, bytes: 4099 });
        if (next === from) break;
        all += text;
        from = next;
      }
      expect(all).toBe(Array.from({ length: 2000 }, (_, n) => `line ${n} ä\n`).join(''));
    });
  });
}
