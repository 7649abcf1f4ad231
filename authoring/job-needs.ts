import { z } from 'zod';
import type { JobSettings } from '../plan/plan.js';
import { count, finite, rule, show } from './shapes.js';

/** An amount of memory: `'512MiB'`, `'4GiB'`. */
export type Memory = `${number}${'MiB' | 'GiB' | 'TiB'}`;

/** What a job asks for. What is absent is the trainer's default. */
export interface Resources {
  /** Cores, 0.1 to 1024. */
  cpu?: number;
  memory?: Memory;
  /** Devices, 0 to 64. */
  gpu?: number;
}

/** Where a secret stands: a variable or a file of the worker that starts the job, or a vault of the environment. */
export type SecretAddress = `env:${string}` | `file:${string}` | `vault:${string}/${string}`;

/** What a job is given beside its inputs. */
export interface JobNeeds {
  resources?: Resources;
  /** Variable of the job → where its secret stands. The plan, histories and logs hold the reference, never the value. */
  secrets?: Readonly<Record<string, SecretAddress>>;
}

/** A secret by reference, for `secrets`: `secret('env:HF_TOKEN')`. Its value never enters the plan. */
export function secret(address: SecretAddress): SecretAddress {
  return address;
}

const mebibytes = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 } as const;

/** MiB of an amount of memory, or `undefined` when the text is none. */
function memoryMb(text: unknown): number | undefined {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(MiB|GiB|TiB)$/.exec(text) : null;
  return match === null ? undefined : Math.round(Number(match[1]) * mebibytes[match[2] as keyof typeof mebibytes]);
}

const memory = rule(
  'E_NUMBER',
  (v) => {
    const mb = memoryMb(v);
    if (mb === undefined) return `${show(v)} is not an amount of memory`;
    return mb >= 1 && mb <= 64 * 1024 * 1024 ? undefined : `${show(v)} is out of range: 1MiB to 64TiB`;
  },
  "write a number and a unit: '512MiB', '4GiB', '1TiB'",
);
const address = rule(
  'E_SECRET_REF',
  (v) =>
    // What stands here by mistake may be the secret itself: it is not shown.
    typeof v === 'string' && /^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\0\n]+|vault:[a-z][a-z0-9-]{0,63}\/[^\0\n]+)$/.test(v)
      ? undefined
      : 'is not a reference to a secret',
  "write secret('env:NAME'), secret('file:PATH') or secret('vault:NAME/PATH'), never the value",
);
/** Names that a launcher sets by itself. */
const taken = /^(SM_|MLFLOW_|SLIPWAY_|PYTHON|LD_)|^(PATH|HOME|TMPDIR)$/;
const variable = rule(
  'E_ID',
  (v) => {
    if (typeof v !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(v) || v === '__proto__')
      return `${show(v)} is not the name of a variable`;
    return taken.test(v) ? `${show(v)} is set by the launcher of the job` : undefined;
  },
  'capital letters, digits and _, such as HF_TOKEN',
);

/** Shapes of what train and evaluate stages may ask for. */
export const needShape = {
  resources: z
    .strictObject({ cpu: finite(0.1, 1024).optional(), memory: memory.optional(), gpu: count(0, 64).optional() })
    .optional(),
  secrets: z.record(variable as z.ZodType<string>, address).optional(),
};

/** What a job asks for, as the plan keeps it. */
export function needSettings({ resources, secrets }: JobNeeds): Pick<JobSettings, 'resources' | 'secrets'> {
  const { memory: amount, ...rest } = resources ?? {};
  const mb = memoryMb(amount);
  const asked = mb === undefined ? rest : { ...rest, memoryMb: mb };
  return {
    ...(Object.keys(asked).length === 0 ? {} : { resources: asked }),
    ...(secrets === undefined || Object.keys(secrets).length === 0 ? {} : { secrets: { ...secrets } }),
  };
}
