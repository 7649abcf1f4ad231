import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { TaskRunner, TaskWork } from '../../adapters/task-runner/port.js';
import { SlipwayError } from '../../plan/errors.js';

export interface TaskRunnerHarness {
  /** Runs the functions that `functionsOfContract` describes. */
  runner: TaskRunner;
  /** The packed file that holds them. */
  code: TaskWork['code'];
}

/** What the functions of a harness do, by stage id. */
export const functionsOfContract = {
  double: 'returns twice its input `x`',
  who: 'returns what it is told of where it runs, and its key',
  throws: 'throws an error that says `no luck`',
  polite: 'runs until it is told to end',
  deaf: 'runs for ever',
  saves: 'returns 1; its compensation throws unless it is given `{ input: { x: 7 }, output: 1 }`',
} as const;
export type ContractStage = keyof typeof functionsOfContract;

/** What every runner of author code must do. */
export function describeTaskRunner(name: string, open: () => Promise<TaskRunnerHarness>): void {
  describe(`task runner ${name}`, () => {
    let harness: TaskRunnerHarness;
    beforeAll(async () => void (harness = await open()));
    afterAll(() => harness.runner.close());

    const work = (stage: ContractStage, facts: Partial<TaskWork> = {}): TaskWork => ({
      code: harness.code,
      pipeline: 'tasks',
      stage,
      kind: 'run',
      input: {},
      about: { run: 'dev:tasks:1', stage, attempt: 1, item: null, key: 'k1' },
      limitMs: 60_000,
      ...facts,
    });
    const run = (stage: ContractStage, facts: Partial<TaskWork> = {}, signal?: AbortSignal) =>
      harness.runner.run(work(stage, facts), signal);
    const codeOf = async (refused: Promise<unknown>) => {
      const error = await refused.catch((e: unknown) => e);
      return error instanceof SlipwayError ? error.code : error;
    };

    test('answers with what the function returned', async () => {
      expect(await run('double', { input: { x: 21 } })).toBe(42);
    });

    test('tells the function where it runs, and its key', async () => {
      const about = { run: 'dev:tasks:9', stage: 'who', attempt: 2, item: 5, key: 'k9' };
      expect(await run('who', { about })).toEqual(about);
    });

    test('runs several at a time, and gives each its own answer', async () => {
      const inputs = [1, 2, 3, 4, 5, 6, 7, 8];
      expect(await Promise.all(inputs.map((x) => run('double', { input: { x } })))).toEqual(inputs.map((x) => x * 2));
    });

    test('hands on what the function threw, and runs the next', async () => {
      await expect(run('throws')).rejects.toMatchObject({ code: 'E_TASK' });
      await expect(run('throws')).rejects.toThrow('no luck');
      expect(await run('double', { input: { x: 1 } })).toBe(2);
    });

    test.each(['polite', 'deaf'] as const)(
      'ends a %s function after its time limit, and runs the next',
      async (stage) => {
        await expect(run(stage, { limitMs: 300 })).rejects.toMatchObject({ code: 'E_TASK_LIMIT' });
        await expect(run(stage, { limitMs: 300 })).rejects.toThrow('0.3 s');
        expect(await run('double', { input: { x: 1 } })).toBe(2);
      },
    );

    test.each(['polite', 'deaf'] as const)(
      'ends a %s function when it is cancelled, with the reason',
      async (stage) => {
        const cancelling = new AbortController();
        const running = codeOf(run(stage, {}, cancelling.signal));
        const reason = new Error('the run was cancelled');
        setTimeout(() => cancelling.abort(reason), 200);
        expect(await running).toBe(reason);
        expect(await run('double', { input: { x: 1 } })).toBe(2);
      },
    );

    test('does not begin what is cancelled already', async () => {
      const reason = new Error('too late');
      expect(await codeOf(run('double', { input: { x: 1 } }, AbortSignal.abort(reason)))).toBe(reason);
    });

    test('undoes what a task did, with its input and output', async () => {
      const input = { x: 7 };
      const output = await run('saves', { input });
      await run('saves', { kind: 'compensate', input, output });
      expect(await codeOf(run('saves', { kind: 'compensate', input, output: 2 }))).toBe('E_TASK');
    });
  });
}
