import { canonicalJson, valueAt, type JsonObject } from '../../plan/json.js';
import type { RunRecord } from '../../plan/messages.js';
import type { Plan, Ref, Stage } from '../../plan/plan.js';
import { differences, mayBeCached, stageDefinition } from '../../plan/stage-definition.js';

/** Whether an earlier result would stand in for a stage. */
export interface Prospect {
  prospect: 'cached' | 'runs' | 'unknown';
  /** Why, in a few words. */
  because: string;
  /** Workflow id of the run whose result would stand in. */
  from: string | null;
}

/** An ended run with what it ran on. */
export interface PastRun {
  record: RunRecord;
  plan: Plan;
  /** Snapshot stage → digest of what it read; undefined where that was not kept. */
  data: Record<string, string> | undefined;
}

/** What a plan would run with. */
export interface Asked {
  plan: Plan;
  digest: string;
  /** Values that a run would have; a required param that was not given is missing. */
  params: JsonObject;
  /** Snapshot stage → digest of what it would read now; one that cannot be read is missing. */
  data: Record<string, string>;
  /** Newest first. */
  past: readonly PastRun[];
}

/**
 * What of a plan is cached and what would run, judged by the newest past runs: a stage is cached when one of them did it
 * with the same definition and code on the same inputs. Workers decide by content when the run comes to the stage.
 */
export function prospects(asked: Asked): Map<string, Prospect> {
  const compared = asked.past.map((run) => new Comparison(asked, run));
  return new Map(asked.plan.stages.map((stage) => [stage.id, prospectOf(stage, compared)]));
}

function prospectOf(stage: Stage, past: readonly Comparison[]): Prospect {
  if (!mayBeCached(stage)) return { prospect: 'runs', because: 'never cached', from: null };
  const hit = past.find((c) => c.repeats(stage) === null);
  if (hit !== undefined)
    return { prospect: 'cached', because: 'nothing it depends on has changed', from: hit.run.record.workflowId };
  const newest = past[0];
  if (newest === undefined) return { prospect: 'runs', because: 'no earlier run is known', from: null };
  const why = newest.repeats(stage);
  const unknown = why?.endsWith(unsure) === true;
  return { prospect: unknown ? 'unknown' : 'runs', because: why ?? '', from: null };
}

const unsure = 'is only known when it runs';

/** A plan beside one past run. */
class Comparison {
  readonly run: PastRun;
  readonly #asked: Asked;
  readonly #known = new Map<string, string | null>();

  constructor(asked: Asked, run: PastRun) {
    this.#asked = asked;
    this.run = run;
  }

  /** Null when the stage would give what it gave in that run; else what stands against it. */
  repeats(stage: Stage): string | null {
    const known = this.#known.get(stage.id);
    if (known !== undefined) return known;
    const answer = this.#judge(stage);
    this.#known.set(stage.id, answer);
    return answer;
  }

  #judge(stage: Stage): string | null {
    const then = this.run.plan.stages.find((s) => s.id === stage.id);
    const done = this.run.record.stages.find((s) => s.id === stage.id);
    if (then === undefined) return 'new in this plan';
    if (done === undefined || done.output === null || !['done', 'cached'].includes(done.status))
      return `not done in ${this.run.record.workflowId}`;
    return this.#changedDefinition(then, stage) ?? this.#changedInputs(stage);
  }

  #changedDefinition(then: Stage, stage: Stage): string | null {
    const [first] = differences(stageDefinition(this.run.plan, then), stageDefinition(this.#asked.plan, stage));
    if (first === undefined) return null;
    return first.at.startsWith('/code') ? 'its code changed' : `its definition changed at ${first.at}`;
  }

  #changedInputs(stage: Stage): string | null {
    if (stage.verb === 'snapshot') return this.#changedData(stage.id);
    for (const { ref } of stage.bindings) {
      const changed = this.#changedRef(ref);
      if (changed !== null) return changed;
    }
    return null;
  }

  #changedRef(ref: Ref): string | null {
    if (ref.from === 'item') return null;
    if (ref.from === 'either') return ref.refs.map((r) => this.#changedRef(r)).find((c) => c !== null) ?? null;
    if (ref.from === 'param') return this.#changedParam(ref.path);
    const upstream = this.#asked.plan.stages.find((s) => s.id === ref.stage);
    if (upstream === undefined) return `${ref.stage} is gone`;
    const changed = this.repeats(upstream);
    if (changed !== null) return changed.endsWith(unsure) ? changed : `${ref.stage}: ${changed}`;
    const repeatable = upstream.verb === 'snapshot' || mayBeCached(upstream);
    return repeatable ? null : `what ${ref.stage} gives ${unsure}`;
  }

  #changedParam(path: string[]): string | null {
    const [before, now] = [this.run.record.params, this.#asked.params].map((p: JsonObject) => valueAt(p, path));
    if (canonicalJson(before) === canonicalJson(now)) return null;
    return `param ${path.join('.')} changed`;
  }

  #changedData(stage: string): string | null {
    const [before, now] = [this.run.data?.[stage], this.#asked.data[stage]];
    if (before === undefined || now === undefined) return `the data of ${stage} ${unsure}`;
    return before === now ? null : 'its data changed';
  }
}
