import type { ExitCode } from '../../plan/errors.js';
import { SlipwayError, exitCodes } from '../../plan/errors.js';
import { tryMachineLock } from '../../processes/index.js';
import type { ProgressEvent } from '../../stack/index.js';
import { down, up } from '../../stack/index.js';
import { prepareFolder } from './folder.js';
import type { DemoOptions } from './options.js';
import { releaseThrice } from './release-thrice.js';

/**
 * Takes a model from data to full traffic on real parts, then a better one, then one that only looks better. All of it
 * happens in a project folder of its own below `.slipway/demo`; reports are left in `.slipway/reports`.
 *
 * Answers 0 only when all three runs ended as described and no request of a user failed, 1 otherwise, 130 when interrupted.
 * Throws `E_DEMO_RUNS` (75) while another demo of the folder runs.
 */
export async function demo(o: DemoOptions): Promise<ExitCode> {
  const release = await tryMachineLock(`${o.root}/.slipway/demo`);
  if (release === undefined) throw busy(o.root);
  try {
    return await play(o);
  } finally {
    await release();
  }
}

async function play(o: DemoOptions): Promise<ExitCode> {
  const onProgress = (event: ProgressEvent): void => o.print(progressLine(event));
  const root = await prepareFolder(o.root, 'demo', onProgress);
  try {
    const state = await up({ root, env: o.env, onProgress });
    return await releaseThrice({ ...o, root, reports: o.root, state, onProgress });
  } catch (error) {
    if (o.signal.aborted) return exitCodes.interrupted;
    throw error;
  } finally {
    if (o.keep) o.print(`the stack stays up; end it with: slipway down --root ${root}`);
    else await down({ root, onProgress: () => {} });
  }
}

function busy(root: string): SlipwayError {
  const fault = {
    code: 'E_DEMO_RUNS',
    where: root,
    message: 'another demo of this folder runs',
    fix: 'Wait for its end, or end it with Ctrl-C.',
  };
  return new SlipwayError(fault, exitCodes.temporary);
}

function progressLine(event: ProgressEvent): string {
  const time = event.seconds === undefined ? '' : ` (${event.seconds.toFixed(1)} s)`;
  return `${event.part.padEnd(16)} ${event.phase} ${event.detail}${time}`;
}
