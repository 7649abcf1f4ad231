/** Longest name of a metric or of a member of a group: what MLflow takes at most. */
const mostCharacters = 250;

/**
 * Why a name may not be that of a metric, or undefined when it may. Names are those of people: any text. The label of a class,
 * which names a member of a group, may be empty. The same rule as `trainers/launcher/slipway_launcher/metrics.py`.
 */
export function metricNameProblem(name: string, kind: 'metric' | 'member'): string | undefined {
  if (name === '' && kind === 'metric') return 'it is empty';
  if (name === '__proto__') return 'JavaScript gives this name a meaning of its own';
  const characters = Array.from(name).length;
  return characters > mostCharacters
    ? `it has ${characters} characters; at most ${mostCharacters} are taken`
    : undefined;
}
