import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { printable } from '../plan/errors.js';
import type { TaskOrder, TaskReply } from '../plan/task-messages.js';
import { isPipelineDefinition } from './define-pipeline.js';
import { authorPlaces } from './hosting/author-place.js';
import { resolveOwnPackages } from './hosting/own-packages.js';
import { runTask, thrown } from './hosting/run-task.js';
import type { Work } from './hosting/run-task.js';
import { taskFunctionsOf } from './task-functions.js';
import type { TaskFunctions } from './task-functions.js';

/**
 * The process that runs author code: `task-host.js <packed pipeline file> <pipeline>`. Orders come as lines of JSON on stdin,
 * answers go as lines of JSON to stdout (plan/task-messages.ts); what the author's code prints goes to stderr. It runs one
 * task at a time, the others wait; it ends with its stdin.
 */
const [bundle = '', pipeline = ''] = process.argv.slice(2);
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

/** The order that is being done, and those that wait. */
let current: { work: Work; abort: AbortController } | undefined;
const waiting: Work[] = [];

function reply(answer: TaskReply, then?: () => void): void {
  write(`${JSON.stringify(answer)}\n`, then);
}

async function load(): Promise<ReadonlyMap<string, TaskFunctions>> {
  resolveOwnPackages();
  const module = (await import(pathToFileURL(bundle).href)) as Record<string, unknown>;
  const definition = Object.values(module).find((one) => isPipelineDefinition(one) && one.name === pipeline);
  if (!isPipelineDefinition(definition)) throw new Error(`the packed file has no pipeline \`${pipeline}\``);
  return taskFunctionsOf(definition);
}

function cancel(id: number): void {
  if (current?.work.id === id) current.abort.abort();
  const at = waiting.findIndex((work) => work.id === id);
  const [work] = at === -1 ? [] : waiting.splice(at, 1);
  if (work !== undefined) reply({ id, ok: false, code: 'E_TASK', message: 'cancelled before it was started' });
}

async function main(): Promise<void> {
  const tasks = await load();
  const placeOf = authorPlaces(bundle);
  // Author code that fails outside its promise would fail unseen, or take a later task with it.
  process.on('uncaughtException', (error) => {
    const id = current?.work.id;
    console.error(error);
    if (id === undefined) process.exit(1);
    const message = `task \`${current?.work.stage}\` ${thrown(error, placeOf)}`;
    reply({ id, ok: false, code: 'E_TASK', message: printable(message, 2_000) }, () => process.exit(1));
  });
  const next = async (): Promise<void> => {
    const work = current === undefined ? waiting.shift() : undefined;
    if (work === undefined) return;
    current = { work, abort: new AbortController() };
    const answer = await runTask(tasks, work, current.abort.signal, placeOf);
    current = undefined;
    reply(answer);
    await next();
  };
  reply({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as TaskOrder;
    if (order.kind === 'cancel') cancel(order.id);
    else if (waiting.push(order) > 0) void next();
  }
  process.exit(0);
}

main().catch((error: unknown) => {
  console.error(error);
  const message = printable(error instanceof Error ? error.message : String(error), 2_000);
  reply({ ready: false, code: 'E_DEF_LOAD', message }, () => process.exit(1));
});
