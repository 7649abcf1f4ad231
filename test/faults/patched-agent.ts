import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { baseEnvironment } from '../../processes/index.js';
import { readState, type StackState } from '../../stack/index.js';

const readyLimitMs = 60_000;

/** Runs the router agent of another build in the place of the stack's own, which was ended before. */
export async function patchedAgent(root: string, dist: string): Promise<{ stop(): Promise<void> }> {
  const parts: StackState['parts'] = (await readState(root))?.parts ?? {};
  const address = parts.router?.address ?? '';
  const child = spawn(
    process.execPath,
    [
      join(dist, 'agents', 'router', 'main.js'),
      `--directory=${join(root, '.slipway', 'envoy')}`,
      `--admin=${parts.envoy?.admin ?? ''}`,
      `--port=${new URL(address).port}`,
    ],
    { env: baseEnvironment(), stdio: 'ignore', shell: false },
  );
  const deadline = Date.now() + readyLimitMs;
  const ready = () =>
    fetch(`${address}/healthz`).then(
      (r) => r.ok,
      () => false,
    );
  while (!(await ready())) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error('the patched agent does not answer');
    await sleep(100);
  }
  return {
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
