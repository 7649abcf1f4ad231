import type { RunRef } from '../activities/calls.js';
import type { RolloutBase } from '../activities/open-rollout.js';
import type { RolloutFlow } from '../plan/graph.js';
import type { RolloutView } from '../plan/messages.js';
import { rolloutWorkflowId } from '../plan/names.js';
import type {
  ApprovalOutput,
  Endpoint,
  GateOutput,
  Metrics,
  RolloutOutput,
  RolloutStepOutput,
  VersionOutput,
} from '../plan/outputs.js';

/** The one argument of a rollout. */
export interface RolloutInput {
  run: RunRef;
  stage: string;
  service: string;
  version: VersionOutput;
  flow: RolloutFlow;
  /** Time limit of the stage; it begins when the rollout does. */
  limitMs: number;
  approvals: ApprovalOutput[];
  gates: GateOutput[];
  scores: Metrics | null;
  /** Promotion record that the gate compared with (null: none existed); undefined: no gate compared. */
  baseline: number | null | undefined;
  /** State that a rollout hands to itself when it continues as new. */
  carried?: CarriedRollout;
}

/** What a rollout needs to go on in the middle of a step. Times are ISO 8601. */
export interface CarriedRollout {
  format: 1;
  startedAt: string;
  base: RolloutBase;
  candidate: Endpoint | null;
  champion: Endpoint | null;
  epoch: number;
  steps: RolloutStepOutput[];
  view: RolloutView;
  aborted: string | null;
  override: RolloutStepOutput['override'] | null;
  paused: boolean;
}

/** Refused signals that are kept, the newest. */
const mostRefused = 50;

/** How a rollout stops before its commit point: the message says why. */
export class RollBack extends Error {
  override readonly name = 'RollBack';
}

/** The state of one rollout: built before the first await, read by the query. */
export class RolloutState {
  readonly view: RolloutView;
  readonly steps: RolloutStepOutput[] = [];
  readonly startedAt: string;
  /** Signals that this run was sent. */
  signals = 0;
  candidate: Endpoint | null = null;
  champion: Endpoint | null = null;
  /** From the commit point on every failure rolls forward. */
  committed = false;
  trafficMoved = false;
  aborted: string | null = null;
  /** A person's word to go on without clear evidence; taken only while the rollout is paused. */
  override: RolloutStepOutput['override'] | null = null;
  paused = false;
  /** Every step has passed, or there is none: nothing is left to judge. */
  judged = false;
  epoch = 0;

  constructor(
    readonly input: RolloutInput,
    now: string,
  ) {
    this.startedAt = now;
    this.view = {
      workflowId: rolloutWorkflowId(input.run.environment, input.service),
      service: input.service,
      phase: 'loading',
      weight: 0,
      note: null,
      refused: [],
    };
  }

  /** Takes over in the middle of a step, from the run before this one. */
  static restored(input: RolloutInput, carried: CarriedRollout): RolloutState {
    const state = new RolloutState(input, carried.startedAt);
    const { candidate, champion, epoch, aborted, override, paused } = carried;
    Object.assign(state, { candidate, champion, epoch, aborted, override, paused, trafficMoved: true });
    Object.assign(state.view, carried.view);
    state.steps.push(...carried.steps);
    return state;
  }

  /** What the next run needs to go on; plain JSON. */
  carry(base: RolloutBase): CarriedRollout {
    const { startedAt, candidate, champion, epoch, steps, view, aborted, override, paused } = this;
    return { format: 1, startedAt, base, candidate, champion, epoch, steps, view, aborted, override, paused };
  }

  /** Ends a pause of a person. */
  resume(): void {
    this.paused = false;
    const step = this.steps.at(-1);
    if (step !== undefined) this.show({ phase: step.phase, note: null });
  }

  /** Keeps that a signal changed nothing, and why. */
  refuse(signal: string, by: string, why: string): void {
    this.view.refused.push({ at: new Date().toISOString(), signal, by, why });
    if (this.view.refused.length > mostRefused) this.view.refused.shift();
  }

  show(facts: Partial<RolloutView>): void {
    Object.assign(this.view, facts);
  }

  output(outcome: RolloutOutput['outcome'], now: string, facts: Partial<RolloutOutput> = {}): RolloutOutput {
    const { service, version } = this.input;
    return {
      outcome,
      service,
      version: version.version,
      firstModel: this.champion === null,
      sequence: null,
      reason: null,
      serving: null,
      startedAt: this.startedAt,
      endedAt: now,
      candidate: this.candidate,
      champion: this.champion,
      steps: this.steps,
      refused: this.view.refused,
      ...facts,
    };
  }
}
