import type { JobSpec } from '../adapters/trainer/port.js';
import { type Fault, SlipwayError } from '../plan/errors.js';
import { type Json, pointerStep } from '../plan/json.js';

/** What Linux takes as one argument or as one variable with its name (`MAX_ARG_STRLEN`, less the byte that ends it). */
export const argumentBytes = 131_071;

/**
 * Refuses what no argument and no variable of a process can hold, before any trainer is asked: every fault at once.
 *
 * @throws SlipwayError `E_ARG` for a NUL, half a surrogate pair, or more than 131,071 bytes
 */
export function checkArguments(job: JobSpec): void {
  const { command, hyperparameters, environment, identity } = job;
  const texts: [string, string, string?][] = [
    ...command.map((word, n): [string, string] => [`/command/${n}`, word]),
    ...Object.entries(hyperparameters).map(([name, value]): [string, string, string] => [
      `/hyperparameters${pointerStep(name)}`,
      typeof value === 'string' ? value : launcherJson(value),
      // The longest of its forms: an argument has no name in front of it.
      `SM_HP_${name}=`,
    ]),
    ['/hyperparameters', launcherJson(hyperparameters), 'SM_HPS='],
    ...Object.entries(environment).map(([name, value]): [string, string, string] => [
      `/environment${pointerStep(name)}`,
      value,
      `${name}=`,
    ]),
  ];
  const faults = texts.flatMap(([at, text, before = '']): Fault[] => {
    const message = argumentFault(before + text);
    const fix = 'pass large values as a file of a data channel, and binary ones encoded';
    return message === undefined ? [] : [{ code: 'E_ARG', where: `${identity.stage} ${at}`, message, fix }];
  });
  if (faults.length > 0) throw new SlipwayError(faults.slice(0, 20));
}

/** As long as Python's `json.dumps` writes it: ASCII, a blank after each comma and colon. */
function launcherJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(launcherJson).join(', ')}]`;
  if (value === null || typeof value !== 'object')
    return JSON.stringify(value).replace(/[\u0080-\uffff]/g, String.raw`\u0000`);
  const entries = Object.entries(value).map(([name, inner]) => `${launcherJson(name)}: ${launcherJson(inner)}`);
  return `{${entries.join(', ')}}`;
}

function argumentFault(text: string): string | undefined {
  if (text.includes('\0')) return 'holds a NUL character, which no argument can hold';
  // With the flag, pairs are one character each: what is left is half a pair.
  if (/[\ud800-\udfff]/u.test(text)) return 'holds half a surrogate pair, which is no text';
  const bytes = Buffer.byteLength(text);
  if (bytes <= argumentBytes) return undefined;
  return `has ${bytes} bytes as an argument or variable, at most ${argumentBytes} are possible`;
}
