import { resolve } from 'node:path';
import { z } from 'zod';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { toFaults } from './faults.js';
import { type Confidence, readSecretFile, secretFault } from './secret-file.js';
import { stackAddresses } from './stack-addresses.js';

export interface References {
  /**
   * The value behind `env:NAME`, `file:PATH` or `stack:s3/<name>`. Throws `E_SECRET_REF`, which names the reference only, and
   * `E_CONFIG_PERMS` for a file that may not be read or that anybody may write.
   */
  secret(reference: string): string;
  /** The same for what is no secret, such as a certificate: everybody may read its file. */
  open(reference: string): string;
  /** The same for addresses: `stack:<part>` and `env:NAME` are looked up, anything else is the address itself. */
  address(text: string): string;
  /** An address that people may follow; undefined while what it names does not run. */
  link(text: string): string | undefined;
}

/**
 * Looks up references against a project folder and an environment; nothing is read before it is asked for.
 * What people should know of a value that is used all the same goes to `notice`, as a warning of the process when it is absent.
 */
export function references(
  root: string,
  env: Record<string, string | undefined>,
  notice: (text: string) => void = warnOnce,
): References {
  const stack = stackAddresses(root);
  const valueOf = (reference: string, confidence: Confidence): string => {
    const value = lookUp(reference, confidence);
    if (value === undefined || value === '') throw secretFault(reference, 'is missing or empty');
    return value;
  };
  const secret = (reference: string): string => valueOf(reference, 'secret');
  const lookUp = (reference: string, confidence: Confidence): string | undefined => {
    if (reference.startsWith('env:')) return env[reference.slice(4)];
    if (reference.startsWith('file:'))
      return readSecretFile(reference, resolve(root, reference.slice(5)), confidence, notice);
    if (reference === 'stack:s3/accessKeyId') return stack.credential('accessKeyId') ?? env['AWS_ACCESS_KEY_ID'];
    if (reference === 'stack:s3/secretAccessKey')
      return stack.credential('secretAccessKey') ?? env['AWS_SECRET_ACCESS_KEY'];
    throw secretFault('(not shown)', 'is not a reference');
  };
  const address = (text: string): string => {
    if (text.startsWith('stack:')) return stack.address(text);
    return text.startsWith('env:') ? secret(text) : text;
  };
  return {
    secret,
    open: (reference) => valueOf(reference, 'public'),
    address,
    link: (text) => unlessRefused(() => address(text)),
  };
}

const warned = new Set<string>();

/** A notice goes to stderr, each once: references are looked up again and again. */
function warnOnce(text: string): void {
  if (warned.has(text)) return;
  warned.add(text);
  process.emitWarning(text, 'SlipwayNotice');
}

function unlessRefused(look: () => string): string | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof SlipwayError) return undefined;
    throw error;
  }
}

/** Keys of options that hold an address; elsewhere a `stack:` or `env:` text stays as it is. */
const addressKeys = new Set(['address', 'endpoint', 'uri', 'url', 'ui', 'listener']);

const addressRef = /^(stack:[a-z0-9]+(\.ui)?|env:[A-Za-z_][A-Za-z0-9_]*)$/;

/** An adapter's options as a configuration writes them: each address may also be a reference. */
export function withReferences<S extends z.ZodObject>(options: S): S {
  const shape = Object.entries(options.shape).map(([key, field]) => [
    key,
    addressKeys.has(key) ? referenceOr(field as z.ZodType) : field,
  ]);
  return z.strictObject(Object.fromEntries(shape) as z.ZodRawShape) as unknown as S;
}

function referenceOr(field: z.ZodType): z.ZodType {
  const checked = z.unknown().superRefine((value, context) => {
    if (typeof value === 'string' && addressRef.test(value)) return;
    for (const issue of field.safeParse(value).error?.issues ?? []) context.addIssue({ ...issue, code: 'custom' });
  });
  return field instanceof z.ZodOptional ? checked.optional() : checked;
}

/** An adapter's options with every address looked up, checked by the adapter's own schema. `where` names them in faults. */
export function lookUp<S extends z.ZodObject>(
  schema: S,
  options: object,
  where: string,
  refs: References,
): z.output<S> {
  const entries = Object.entries(options).map(([key, value]: [string, unknown]) => [
    key,
    addressKeys.has(key) && typeof value === 'string' ? refs.address(value) : value,
  ]);
  const value: unknown = Object.fromEntries(entries);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = toFaults(parsed.error, schema, value).map((f) => ({ ...f, where: `/${where}${f.where ?? ''}` }));
  throw new SlipwayError(faults, exitCodes.configuration);
}
