import type { JsonObject } from '../../plan/json.js';
import type { JobSettings, Stage, Verb } from '../../plan/plan.js';

type Settings<V extends Verb> = Extract<Stage, { verb: V }>['settings'];

const job: JobSettings = { trainer: { adapter: 'fake', run: ['python', '-m', 'intents'] }, params: { epochs: 3 } };

/** A stage with these settings and everything else at its simplest; its id is its verb unless one is given. */
export function stageOf<V extends Verb>(verb: V, settings: Settings<V>, id: string = verb): Stage {
  const source = { file: 'pipelines/intents.ts', line: 1, column: 1 };
  const limits = { timeoutMs: 60_000, attempts: 1 };
  return { id, verb, needs: [], bindings: [], settings, limits, source } as unknown as Stage;
}

export const trainStage = stageOf('train', job);

export function evaluateStage(metrics: JsonObject): Stage {
  return stageOf('evaluate', { ...job, metrics });
}

export function registerStage(settings: Partial<Settings<'register'>> = {}): Stage {
  return stageOf('register', { as: 'intents', alias: 'candidate', ...settings });
}

export function rolloutStage(settings: Partial<Settings<'rollout'>> = {}): Stage {
  const strategy = { kind: 'canary' as const, steps: [{ weight: 10, holdMs: 900_000 }], bakeMs: 3_600_000 };
  return stageOf('rollout', { strategy, analysis: [], smoke: [], ...settings });
}
