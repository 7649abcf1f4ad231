import type { z } from 'zod';
import { durationMs } from '../plan/duration.js';
import type { Fault } from '../plan/errors.js';
import { pointerStep } from '../plan/json.js';
import type { Json, JsonObject } from '../plan/json.js';
import type { Binding, Limits, OnFailure, Ref, Verb } from '../plan/plan.js';
import { noTimeLimit, stageDefaults } from '../plan/stage-defaults.js';
import { callerPlace, formatPlace } from './places.js';
import type { Place } from './places.js';
import { makeReference, targetOf } from './references.js';
import type { RefKind, Target } from './references.js';
import { applyStageOptions } from './stage-options.js';
import type { After, BudgetOptions, CacheOptions, JobStageOptions } from './stage-options.js';
import { findings, isIdentifier, show } from './shapes.js';
import type { TaskFunctions } from './task-functions.js';
import { valueReference } from './value-references.js';
import type { Origin } from './value-references.js';

/** A stage as it was written, before it is sorted into a plan. */
export class StageDraft {
  readonly id: string;
  readonly verb: Verb;
  readonly place: Place;
  readonly bindings: Binding[] = [];
  readonly needs = new Set<string>();
  readonly limits: Limits;
  /** The way of a `when` that the stage stands in. */
  readonly branch: Branch | undefined;
  pool: string | undefined;
  cache: boolean | undefined;
  onFailure: OnFailure | undefined;
  budget: number | undefined;
  settings: object = {};
  readonly #recorder: Recorder;
  readonly #scope: StageDraft | undefined;

  /** `scope`: the `each` that it is the item of; only then may it use the element. */
  constructor(recorder: Recorder, verb: Verb, id: string, scope?: StageDraft) {
    this.#recorder = recorder;
    this.#scope = scope;
    this.verb = verb;
    this.id = id;
    this.place = callerPlace(recorder.root);
    const { timeout } = stageDefaults[verb];
    this.limits = { timeoutMs: durationMs(timeout ?? noTimeLimit), attempts: 1 };
    this.branch = recorder.branch;
    if (this.branch !== undefined) this.needs.add(this.branch.of);
  }

  /** The stage that an `each` maps, which is no stage of the pipeline itself. */
  get isItem(): boolean {
    return this.#scope !== undefined;
  }

  /** Adds a fault of this stage; `at` is a pointer below its options. */
  fault(code: string, at: string, message: string, fix?: string): void {
    const port = at === '' ? '' : `, ${at}`;
    const fault = { code, where: formatPlace(this.place), message: `stage ${show(this.id)}${port}: ${message}` };
    this.#recorder.faults.push(fix === undefined ? fault : { ...fault, fix });
  }

  /** Adds everything that is wrong with a value under a shape; says whether nothing is. */
  check(shape: z.ZodType, given: unknown): boolean {
    const wrong = findings(shape, given);
    for (const { code, at, message, fix } of wrong) this.fault(code, at, message, fix);
    return wrong.length === 0;
  }

  /** Puts the value of a reference at a pointer when the run is walked. */
  bind(at: string, reference: unknown): Target | undefined {
    const facts = targetOf(reference);
    if (facts === undefined) return undefined;
    if (facts.recording !== this.#recorder) {
      this.fault(
        'E_DAG_EDGE',
        at,
        `${facts.name} belongs to another pipeline`,
        "use only what this definition's own `p` and `params` gave you",
      );
      return undefined;
    }
    if (facts.scope !== undefined && facts.scope !== this.#scope) {
      this.fault(
        'E_EACH',
        at,
        `${facts.name} exists only inside that \`each\``,
        'use it in the stage that the `each` maps',
      );
      return undefined;
    }
    this.bindings.push({ at, ref: facts.ref });
    for (const stage of stagesOfRef(facts.ref)) this.needs.add(stage);
    return facts;
  }

  /** Adds edges without data. */
  order(after: After | undefined): void {
    const list: readonly unknown[] = after === undefined ? [] : Array.isArray(after) ? after : [after];
    for (const one of list) {
      const facts = targetOf(one);
      const stages = facts?.recording === this.#recorder ? stagesOfRef(facts.ref) : [];
      for (const stage of stages) this.needs.add(stage);
      if (typeof one === 'string') this.needs.add(one);
      else if (stages.length === 0) this.fault('E_DAG_EDGE', '/after', `${show(one)} is not a stage of this pipeline`);
    }
  }

  /** Plain JSON of a value; what is not JSON becomes a fault at its pointer. */
  literal(at: string, given: unknown): Json {
    if (given === null || typeof given === 'boolean' || typeof given === 'string') return given;
    if (typeof given === 'number' && Number.isFinite(given)) return Object.is(given, -0) ? 0 : given;
    if (Array.isArray(given)) return given.map((v, i) => this.literal(at + pointerStep(i), v));
    if (targetOf(given) !== undefined) {
      this.fault(
        'E_SCHEMA',
        at,
        `${show(given)} stands inside a value`,
        'hand a reference over by a name of its own, or make the whole value a param',
      );
    } else if (typeof given === 'object' && isPlain(given)) {
      return this.#members(at, given as Record<string, unknown>);
    } else {
      this.fault(
        typeof given === 'number' ? 'E_NUMBER' : 'E_SCHEMA',
        at,
        `${show(given)} cannot be written as JSON`,
        'use text, finite numbers, booleans, lists and plain objects',
      );
    }
    return null;
  }

  #members(at: string, given: Record<string, unknown>): Json {
    const members: Record<string, Json> = {};
    for (const [name, member] of Object.entries(given)) {
      const here = at + pointerStep(name);
      if (name === '__proto__' || name === 'constructor' || name === 'prototype')
        this.fault('E_ID', here, `${show(name)} cannot be the name of a member`);
      else if (member !== undefined) members[name] = this.literal(here, member);
    }
    return members;
  }

  /**
   * Values by name: the literal ones; those that are references become bindings. Undefined ones are left out.
   * `takes` says which references may stand there; by default JSON values: params, what tasks return, elements.
   */
  literals(
    at: string,
    given: Record<string, unknown>,
    takes: (kind: RefKind | undefined) => boolean = isValue,
  ): Record<string, Json> {
    const literals: Record<string, Json> = {};
    for (const [name, member] of Object.entries(given)) {
      if (member === undefined) continue;
      const here = at + pointerStep(name);
      if (!isIdentifier(name))
        this.fault(
          'E_ID',
          here,
          `${show(name)} is not a plain name`,
          'letters, digits and _, starting with a letter, at most 64 characters',
        );
      else if (takes(targetOf(member)?.kind)) this.bind(here, member);
      else literals[name] = this.literal(here, member);
    }
    return literals;
  }

  /** Where what this stage gives stands, for the makers of references. */
  origin(path: string[], name: string): Origin {
    return { root: { from: 'stage', stage: this.id, path }, recording: this.#recorder, name };
  }

  /** A reference to what this stage gives, at a path of its output. */
  output(kind: RefKind, path: string[], extra: Partial<Target> = {}, parts: Record<string, object> = {}): object {
    const { root: ref, recording, name } = this.origin(path, `the ${words[kind]} of stage ${show(this.id)}`);
    return makeReference({ kind, ref, recording, name, ...extra }, parts);
  }

  /** References to single facts of what this stage gives: member of the output → its JSON Schema. */
  facts(members: Record<string, JsonObject>): Record<string, object> {
    return Object.fromEntries(
      Object.entries(members).map(([name, schema]) => [
        name,
        valueReference(this.origin([name], `\`${name}\` of stage ${show(this.id)}`), schema),
      ]),
    );
  }
}

/** The stages that a value comes from. */
export function stagesOfRef(ref: Ref): string[] {
  if (ref.from === 'stage') return [ref.stage];
  return ref.from === 'either' ? ref.refs.flatMap(stagesOfRef) : [];
}

/** Whether references of a kind stand for one JSON value. */
export function isValue(kind: RefKind | undefined): boolean {
  return kind === 'param' || kind === 'value' || kind === 'item';
}

/** The way of a `when` that stages stand in. */
export interface Branch {
  of: string;
  taken: boolean;
}

const words: Record<RefKind, string> = {
  param: 'param',
  value: 'value',
  item: 'element',
  list: 'results',
  dataset: 'data set',
  split: 'split',
  model: 'model',
  scores: 'scores',
  gate: 'verdict',
  version: 'version',
  approval: 'approval',
  rollout: 'rollout',
  promotion: 'promotion',
  route: 'way',
  run: 'run',
  notice: 'message',
};

/** Collects stages and faults while a definition runs. */
export class Recorder {
  readonly root: string;
  readonly pipeline: string;
  readonly version: string | undefined;
  readonly stages: StageDraft[] = [];
  readonly faults: Fault[] = [];
  /** The author's own functions by stage id. */
  readonly tasks = new Map<string, TaskFunctions>();
  /** The way of a `when` that is being recorded. */
  branch: Branch | undefined;

  constructor(root: string, pipeline: string, version: string | undefined) {
    this.root = root;
    this.pipeline = pipeline;
    this.version = version;
  }

  /**
   * Adds a stage. Options that do not fit `shape` become faults; `settle` turns fitting ones into settings.
   * The draft is returned either way, so that one mistake does not hide the next.
   */
  add<O extends JobStageOptions & CacheOptions & BudgetOptions>(
    verb: Verb,
    id: string,
    options: O,
    spec: StageSpec<O>,
  ): StageDraft {
    const draft = new StageDraft(this, verb, id);
    this.stages.push(draft);
    this.settle(draft, options, spec);
    return draft;
  }

  /** Fills a draft from options; for a stage inside an `each`, which is no stage of the pipeline itself. */
  settle<O extends JobStageOptions & CacheOptions & BudgetOptions>(
    draft: StageDraft,
    options: O,
    spec: StageSpec<O>,
  ): void {
    if (!draft.check(spec.shape, options)) return;
    applyStageOptions(draft, options);
    draft.settings = spec.settle(draft, options);
  }
}

/** What the recorder needs to know of a verb. */
export interface StageSpec<O> {
  shape: z.ZodType;
  settle(draft: StageDraft, options: O): object;
}

function isPlain(candidate: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(candidate);
  return prototype === null || prototype === Object.prototype;
}
