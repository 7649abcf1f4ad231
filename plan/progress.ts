/** Numbers that a line about a job shows. */
const shown = 4;

/** `epoch 3, loss 0.2134`: the first numbers of a job's progress, as people read them; empty where there is none. */
export function progressText(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .slice(0, shown)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(', ');
}

/** The step that numbers belong to: `step`, else `epoch`, where it is a whole number. */
export function stepOf({
  step,
  epoch,
}: Readonly<Record<string, number>>): { name: 'step' | 'epoch'; value: number } | null {
  if (step !== undefined && Number.isSafeInteger(step)) return { name: 'step', value: step };
  return epoch !== undefined && Number.isSafeInteger(epoch) ? { name: 'epoch', value: epoch } : null;
}
