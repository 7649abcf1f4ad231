import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SlipwayError, exitCodes, unknownName } from '../plan/errors.js';
import { addressedParts } from '../plan/stack-parts.js';

/** The part of `.slipway/stack/state.json` that configuration reads. */
const stateSchema = z.object({
  format: z.literal(1),
  parts: z.record(
    z.string(),
    z.object({ address: z.string(), ui: z.string().optional(), credentialsFile: z.string().optional() }),
  ),
});
type Parts = z.infer<typeof stateSchema>['parts'];

/** Looks up where the local stack of a project folder listens. */
export interface StackAddresses {
  /** The address behind `stack:<part>` or `stack:<part>.ui`. Throws `E_STACK_DOWN` when the part does not run. */
  address(reference: string): string;
  /** A value of the stack's own S3 credentials; undefined when its S3 runs elsewhere. */
  credential(name: 'accessKeyId' | 'secretAccessKey'): string | undefined;
}

/** Reads the stack's state when it is first asked for. */
export function stackAddresses(root: string): StackAddresses {
  const part = (name: string): Parts[string] => {
    if (!(addressedParts as readonly string[]).includes(name)) {
      throw new SlipwayError(
        { code: 'E_CONFIG', message: unknownName('stack part', name, addressedParts) },
        exitCodes.configuration,
      );
    }
    const found = readParts(root)?.[name];
    if (found === undefined || found.address === '') throw stackDown(root, name);
    return found;
  };
  return {
    address(reference) {
      const [name = '', field] = reference.slice('stack:'.length).split('.');
      const found = part(name);
      if (field === undefined) return found.address;
      const ui = field === 'ui' ? found.ui : undefined;
      if (ui === undefined) throw stackDown(root, `${name}.${field}`);
      return ui;
    },
    credential(name) {
      const file = part('s3').credentialsFile;
      if (file === undefined) return undefined;
      const keys = z
        .object({ accessKeyId: z.string(), secretAccessKey: z.string() })
        .parse(JSON.parse(readFileSync(file, 'utf8')));
      return keys[name];
    },
  };
}

function readParts(root: string): Parts | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(join(root, '.slipway', 'stack', 'state.json'), 'utf8'))).parts;
  } catch {
    return undefined;
  }
}

function stackDown(root: string, name: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_STACK_DOWN',
      where: `stack:${name}`,
      message: `this part of the local stack does not run (looked in ${join(root, '.slipway', 'stack')})`,
      fix: 'Start the stack with `slipway up`, or choose another environment with --env.',
    },
    exitCodes.unavailable,
  );
}
