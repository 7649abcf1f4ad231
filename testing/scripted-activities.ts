import type { ActivityContext } from '../activities/context.js';
import type { LeaseEnd } from '../activities/hold-lease.js';
import { jobActivities, pipelineActivities, releaseActivities } from '../activities/index.js';
import type { StageCall } from '../activities/calls.js';
import type { WatchStepInput } from '../activities/watch-step.js';
import { SlipwayError } from '../plan/errors.js';
import type { Plan } from '../plan/plan.js';
import { scriptedAnalysis } from './analysis.js';
import type { PipelineScript } from './script.js';

/** What the real activity is given. */
type UnloadInput = Parameters<ReturnType<typeof releaseActivities>['unloadVersion']>[0];

const yearMs = 365 * 86_400_000;

/**
 * The activities of a worker on the far ends of a test. The clock stands still while an activity runs, so those that
 * wait (lease, analysis, draining, another rollout) answer at once; all others are the real ones.
 */
export function scriptedActivities(
  context: ActivityContext,
  o: {
    script: PipelineScript;
    plans: readonly Plan[];
    weightOf: (service: string) => number;
    now: () => Promise<number>;
  },
) {
  const { script, plans, now } = o;
  const judge = scriptedAnalysis(script, o.weightOf);
  const jobs = jobActivities(context);
  return {
    ...pipelineActivities(context),
    ...jobs,
    ...releaseActivities(context),
    snapshotData: async (call: StageCall) => await jobs.snapshotData(await withRows(context, script, call)),
    holdLease: async (): Promise<LeaseEnd> => ({ lost: false, until: new Date((await now()) + yearMs).toISOString() }),
    watchStep: async (input: WatchStepInput) => {
      const plan = plans.find((p) => p.pipeline === input.run.pipeline);
      if (plan === undefined) throw new Error(`no pipeline ${input.run.pipeline} in this test`);
      return judge(plan, input, new Date(await now()).toISOString());
    },
    // No request is under way: nothing has to drain.
    unloadVersion: async ({ environment, endpoint }: UnloadInput) =>
      await (await context.environment(environment)).ports.serving.unload(endpoint),
    awaitRollout: ({ workflowId }: { workflowId: string }): Promise<void> => {
      throw new SlipwayError({
        code: 'E_TEST_SCRIPT',
        where: workflowId,
        message: 'two rollouts of one service at the same time cannot be tested on a skipped clock',
        fix: 'let one of them be another service, or test the pipelines one by one',
      });
    },
  };
}

/** The rows of the script stand in the store, where the real snapshot finds them. */
async function withRows(context: ActivityContext, script: PipelineScript, call: StageCall): Promise<StageCall> {
  const rows = script.data?.[call.stage];
  if (rows === undefined) return call;
  const { store } = (await context.environment(call.run.environment)).ports;
  const key = `test-data/${call.stage}.jsonl`;
  await store.put(key, Buffer.from(rows.map((row) => JSON.stringify(row)).join('\n')));
  return { ...call, inputs: { ...call.inputs, '/from': store.uri(key) } };
}
