import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PipelineDefinition } from '../authoring/define-pipeline.js';
import { durationMs, type Duration } from '../plan/duration.js';
import type { OnProgress } from '../stack/index.js';
import { checkScript } from './check-script.js';
import type { PipelineOutcome } from './outcome.js';
import { planOf } from './publish.js';
import { startRun } from './run.js';
import type { PipelineScript } from './script.js';
import { prepare, startServer } from './time-skipping/server.js';

export interface TesterOptions {
  /** The project folder: `file:` data are read from it, programs are kept below its `.slipway`. Default: the working directory. */
  root?: string;
  /** How long one run may take on your own clock. Default 1m. */
  patience?: Duration;
  /** Is told of programs that are installed when the first tester of a project starts. Default: nobody. */
  onProgress?: OnProgress;
}

/** Runs pipelines of one test file. */
export interface PipelineTester {
  /**
   * Runs a pipeline from its start to its end, by the script, with a server, a clock and far ends of its own.
   * Throws `SlipwayError`: the definition's faults; `E_TEST_SCRIPT` for a script that fits no pipeline of the test; `E_TEST_HANGS` when the
   * run does not end. That a run fails, is rejected or is rolled back is an outcome.
   */
  run(definition: PipelineDefinition, script?: PipelineScript): Promise<PipelineOutcome>;
  /** Ends what is still under way, such as the run of a test that ran out of time. */
  close(): Promise<void>;
}

/** Prepares tests of pipelines: once per test file (some seconds), in `beforeAll`. */
export async function pipelineTester(options: TesterOptions = {}): Promise<PipelineTester> {
  const { root = process.cwd(), patience = '1m', onProgress = () => undefined } = options;
  const prepared = await prepare(root, workflowsPath(), onProgress);
  const underWay = new Set<() => Promise<void>>();
  return {
    async run(definition, script = {}) {
      const endings: (() => Promise<unknown>)[] = [];
      const end = async () => {
        underWay.delete(end);
        for (const ending of endings.splice(0).reverse()) await ending();
      };
      underWay.add(end);
      try {
        const definitions = [definition, ...(script.pipelines ?? [])];
        const plans = definitions.map((d) => planOf(d, root));
        checkScript(script, plans);
        const environment = await startServer(prepared.executable);
        endings.push(() => environment.teardown());
        const run = await startRun({ environment, script, root, definitions, plans, bundle: prepared.bundle, endings });
        return await run.outcome(durationMs(patience));
      } finally {
        await end();
      }
    },
    async close() {
      for (const end of underWay) await end();
    },
  };
}

/** One run of one pipeline: `pipelineTester` for a single test. */
export async function testPipeline(
  definition: PipelineDefinition,
  script: PipelineScript = {},
  options: TesterOptions = {},
): Promise<PipelineOutcome> {
  const tester = await pipelineTester(options);
  return await tester.run(definition, script);
}

/** Beside this file, as source or as built. */
function workflowsPath(): string {
  const built = fileURLToPath(new URL('workflow/index.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}
