import { exitCodes, SlipwayError } from '../plan/errors.js';
import { currentContext } from './context.js';
import { endPart } from './down.js';
import { partNamed } from './parts/index.js';
import { startPart as start } from './start-part.js';
import type { Env, OnProgress, PartName } from './types.js';

/** Ends one part; its address stays, so that `startPart` brings it back to the same place. True when it ran. */
export async function stopPart(root: string, name: PartName): Promise<boolean> {
  return endPart(root, name, () => {});
}

/**
 * Starts one part of a stack that is up, at the address that it had.
 *
 * @throws SlipwayError E_STACK_PART (exit 69), also when the part was never up
 */
export async function startPart(
  root: string,
  name: PartName,
  o: { env?: Env; onProgress?: OnProgress } = {},
): Promise<void> {
  const part = partNamed(name);
  const context = await currentContext(root, o);
  if (context.state.parts[name] === undefined) {
    throw new SlipwayError(
      {
        code: 'E_STACK_PART',
        where: name,
        message: `${name} is not part of a stack that is up in ${root}`,
        fix: 'Run `slipway up` first.',
      },
      exitCodes.unavailable,
    );
  }
  await part.install(context);
  await start(part, context);
}
