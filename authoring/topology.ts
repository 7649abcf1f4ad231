/**
 * Stages in an order in which each comes after all that it needs; ties keep the order of definition.
 * Stages on a cycle, or behind one, are left out. Needs that name no stage are ignored.
 */
export function sortStages<S extends { id: string; needs: ReadonlySet<string> }>(stages: readonly S[]): S[] {
  const index = new Map(stages.map((stage, i) => [stage.id, i]));
  const missing = stages.map((stage) => [...stage.needs].filter((need) => index.has(need)).length);
  const followers = stages.map((): number[] => []);
  stages.forEach((stage, i) => {
    for (const need of stage.needs) followers[index.get(need) ?? -1]?.push(i);
  });
  const ready = stages.flatMap((_, i) => (missing[i] === 0 ? [i] : []));
  const sorted: S[] = [];
  for (let i = ready.shift(); i !== undefined; i = ready.shift()) {
    sorted.push(stages[i] as S);
    for (const follower of followers[i] ?? []) {
      missing[follower] = (missing[follower] ?? 0) - 1;
      if (missing[follower] === 0) insertSorted(ready, follower);
    }
  }
  return sorted;
}

function insertSorted(list: number[], value: number): void {
  const at = list.findIndex((other) => other > value);
  list.splice(at === -1 ? list.length : at, 0, value);
}
