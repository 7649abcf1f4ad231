import { utf8Length } from './text-size.js';
import { withoutUndefined } from './json.js';

/** Least and greatest priority of a run's jobs: lower goes first. */
export const priorities = { first: 1, usual: 3, last: 5 } as const;

/** What decides which job is next when a pool has no free slot. Absent: usual priority, and the line of those without a team. */
export interface Turn {
  /** The pipeline's owner: teams share the slots fairly. */
  team?: string;
  /** 1 to 5, lower goes first. */
  priority?: number;
}

/** Bytes of a fairness key that Temporal takes. */
const mostBytes = 64;

/** The turn of a pipeline's jobs; undefined when nothing sets them apart. */
export function turnOf(owner: string | undefined, priority: number | undefined): Turn | undefined {
  if (owner === undefined && priority === undefined) return undefined;
  return {
    ...(owner === undefined ? {} : { team: shortTeam(owner) }),
    ...withoutUndefined({ priority }),
  };
}

/** Whether a value is a priority that somebody may give. */
export function isPriority(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= priorities.first && Number(value) <= priorities.last;
}

/** As much of a name as the server takes, no character cut in two. */
function shortTeam(owner: string): string {
  let short = '';
  for (const character of owner) {
    if (utf8Length(short + character) > mostBytes) break;
    short += character;
  }
  return short;
}
