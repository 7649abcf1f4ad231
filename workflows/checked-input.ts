import { workflowInfo } from '@temporalio/workflow';
import { runInputFormat, type RunInput } from '../plan/messages.js';
import { isPriority } from '../plan/turn.js';
import { refusal } from './failure-facts.js';

const known: (keyof RunInput)[] = [
  'format',
  'params',
  'plan',
  'environment',
  'trigger',
  'cache',
  'priority',
  'rerun',
  'carried',
];

/**
 * Starts come from forms and stock tools too: what is not an object with known keys is refused before anything
 * happens. Schedules keep an input for years: one of another format is refused by that name, whatever its keys are.
 * Carried state is taken from a run's own hand only.
 */
export function checkedInput(input: unknown): RunInput {
  const given = input ?? {};
  refuseOtherFormat(given);
  const wrong =
    typeof given !== 'object' || Array.isArray(given)
      ? `the input is ${Array.isArray(given) ? 'an array' : `a ${typeof given}`}`
      : wrongKey(given as Record<string, unknown>);
  if (wrong === null) return given;
  throw refusal('E_INPUT', 'Input', `${wrong}; the input is one object such as {"params":{},"environment":"dev"}`);
}

function refuseOtherFormat(given: unknown): void {
  const { format } = given as { format?: unknown };
  if (format === undefined || format === runInputFormat) return;
  const found = JSON.stringify(format).slice(0, 40);
  const next = 'start workers of the build that wrote it, or start the run again with this one';
  throw refusal(
    'E_SCHEMA_VERSION',
    'SchemaVersion',
    `run input of format ${found}; this build reads ${runInputFormat}: ${next}`,
  );
}

function wrongKey(given: Record<string, unknown>): string | null {
  const unknown = Object.keys(given).find((k) => !(known as string[]).includes(k));
  if (unknown !== undefined) return `unknown key ${JSON.stringify(unknown.slice(0, 40))}`;
  const { rerun, cache, priority, carried } = given;
  if (carried !== undefined && workflowInfo().continuedFromExecutionRunId === undefined)
    return 'carried is for a run that continues as new, never given from outside';
  if (cache !== undefined && typeof cache !== 'boolean') return 'cache must be true or false';
  if (priority !== undefined && !isPriority(priority)) return 'priority must be a whole number from 1 to 5';
  if (rerun === undefined) return null;
  const { workflowId, runId, from } = (rerun ?? {}) as Record<string, unknown>;
  return [workflowId, runId, from].every((v) => typeof v === 'string')
    ? null
    : 'rerun must name workflowId, runId and from';
}
