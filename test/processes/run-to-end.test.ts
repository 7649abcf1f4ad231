import { expect, test } from 'vitest';
import { baseEnvironment, runToEnd } from '../../processes/index.js';

const options = () => ({ env: baseEnvironment(), input: '', signal: new AbortController().signal, mostBytes: 1_000 });

test('a program gets its input and answers with what it wrote and how it ended', async () => {
  const end = await runToEnd('sh', ['-c', 'cat; echo oh >&2; exit 3'], { ...options(), input: 'hello' });
  expect({ ...end, output: end.output.toString() }).toEqual({
    output: 'hello',
    said: 'oh\n',
    problem: 'ended with exit code 3',
    code: 3,
  });
});

test('what a program started ends with it when the signal aborts', async () => {
  const caller = new AbortController();
  // The shell waits for a child that holds its streams open.
  const run = runToEnd('sh', ['-c', 'echo up; sleep 600; true'], { ...options(), signal: caller.signal });
  setTimeout(() => caller.abort(), 50);
  await expect(run).resolves.toMatchObject({ problem: 'ended with SIGKILL', code: null });
});

test('a program that writes more than it may is killed', async () => {
  const end = await runToEnd('sh', ['-c', 'yes'], options());
  expect(end.problem).toBe('ended with SIGKILL');
  expect(end.output.length).toBeLessThanOrEqual(1_000);
});

test('a program that is not there is a rejection', async () => {
  await expect(runToEnd('no-such-program-here', [], options())).rejects.toMatchObject({ code: 'ENOENT' });
});
