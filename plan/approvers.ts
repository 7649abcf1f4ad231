import type { Fault } from './errors.js';
import type { Plan } from './plan.js';

/** Who may approve in an environment, by group. */
export type Approvers = Readonly<Record<string, readonly string[]>>;

/** The people behind names: a group counts its people, any other name is one person, and nobody counts twice. */
export function peopleOf(by: readonly string[], approvers: Approvers): string[] {
  return [...new Set(by.flatMap((name) => (Object.hasOwn(approvers, name) ? (approvers[name] ?? []) : [name])))];
}

/** Approvals that nobody could give in an environment, because they ask for more people than it names. */
export function approverFaults(
  { stages }: Pick<Plan, 'stages'>,
  environment: { name: string; approvers: Approvers },
): Fault[] {
  return stages.flatMap((stage) => {
    if (stage.verb !== 'approve') return [];
    const { by, quorum } = stage.settings;
    const people = peopleOf(by, environment.approvers);
    if (quorum <= people.length) return [];
    return {
      code: 'E_APPROVERS',
      where: stage.id,
      message: `nobody could approve: ${quorum} people are asked for, and ${by.join(', ')} ${by.length === 1 ? 'is' : 'are'} ${people.length} in environment \`${environment.name}\` (${people.join(', ')})`,
      fix: `add people under \`approvers\` of environment \`${environment.name}\`, name more in \`by\`, or lower the quorum`,
    };
  });
}
