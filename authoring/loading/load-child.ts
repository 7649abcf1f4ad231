import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { canonicalJson } from '../../plan/json.js';
import type { Fault } from '../../plan/errors.js';
import type { RecordedPlan } from '../compile.js';
import { isPipelineDefinition } from '../define-pipeline.js';
import type { PipelineDefinition } from '../define-pipeline.js';
import { callerPlace, formatPlace } from '../places.js';
import { recordPipeline, thrownFaults } from '../record.js';
import { firstDifference } from './first-difference.js';
import { maxPrintedBytes } from './run-loader.js';
import type { LoaderAnswer, LoaderTask } from './run-loader.js';
import { disturb } from './disturb.js';

/** The process that loads one pipeline file; it answers with one line of JSON on file descriptor 3. */
const task = JSON.parse(process.argv[2] ?? '{}') as LoaderTask;
const reallyExit = process.exit.bind(process);

function answer(given: LoaderAnswer): never {
  writeSync(3, `${JSON.stringify(given)}\n`);
  return reallyExit(0);
}

function refuse(message: string, fix: string): never {
  const place = callerPlace(task.root);
  return answer({
    plans: [],
    faults: [{ code: 'E_DEF_LOAD', where: place.line > 0 ? formatPlace(place) : task.file, message, fix }],
  });
}

function guard(): void {
  process.exit = (() =>
    refuse(
      'the definition calls process.exit',
      'take the call out: a definition only records stages',
    )) as typeof process.exit;
  let printed = 0;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...all: unknown[]) => boolean;
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      printed += chunk.length;
      if (printed > maxPrintedBytes)
        refuse(
          `the definition prints more than ${maxPrintedBytes} bytes`,
          'print less: a definition only records stages',
        );
      return write(chunk, ...rest);
    }) as typeof stream.write;
  }
}

async function load(copy: string): Promise<LoaderAnswer> {
  const module = (await import(`${pathToFileURL(task.bundle).href}?${copy}`)) as Record<string, unknown>;
  const definitions = new Set<PipelineDefinition>(Object.values(module).filter(isPipelineDefinition));
  if (definitions.size === 0) {
    return {
      plans: [],
      faults: [
        {
          code: 'E_DEF_LOAD',
          where: task.file,
          message: 'the file exports no pipeline',
          fix: 'end it with `export default definePipeline(...)`',
        },
      ],
    };
  }
  const recordings = [...definitions].map((definition) => recordPipeline(definition, task.root));
  return {
    plans: recordings.flatMap((r) => (r.plan === undefined ? [] : [r.plan])),
    faults: recordings.flatMap((r) => r.faults),
  };
}

/** Two recordings of one file must be one: what differs would differ between machines, too. */
function differences(first: readonly RecordedPlan[], second: readonly RecordedPlan[]): Fault[] {
  return first.flatMap((plan, i): Fault[] => {
    const other = second[i];
    if (canonicalJson(plan) === canonicalJson(other)) return [];
    const at = firstDifference(plan, other) ?? '';
    const stage = plan.stages[Number(/^\/stages\/(\d+)/.exec(at)?.[1])];
    return [
      {
        code: 'E_NONDETERMINISTIC',
        where: stage === undefined ? task.file : formatPlace(stage.source),
        message: `recording \`${plan.pipeline}\` twice gave two plans: ${at} differs`,
        fix: 'a definition may not read the clock, randomness or the environment: make the value a param',
      },
    ];
  });
}

async function main(): Promise<void> {
  const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), { workerData: task });
  watchdog.unref();
  guard();
  try {
    const first = await load('first');
    if (first.faults.length > 0) answer(first);
    disturb();
    const second = await load('second');
    const faults = [...second.faults, ...differences(first.plans, second.plans)];
    answer({ plans: faults.length > 0 ? [] : first.plans, faults });
  } catch (error) {
    answer({ plans: [], faults: thrownFaults(error, task.root, undefined).map((f) => ({ where: task.file, ...f })) });
  }
}

process.on('uncaughtException', (error) =>
  answer({ plans: [], faults: thrownFaults(error, task.root, undefined).map((f) => ({ where: task.file, ...f })) }),
);
await main();
