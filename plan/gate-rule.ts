/** One rule of an offline gate. `metric` is the path in the scores, such as `['recall', 'lock_door']`. */
export type GateRule =
  | { kind: 'atLeast'; metric: string[]; value: number }
  | { kind: 'atMost'; metric: string[]; value: number }
  /** Non-inferiority: not worse than the champion by more than `by`, in the metric's own unit. */
  | { kind: 'noWorseThanChampion'; metric: string[]; by: number; better: 'higher' | 'lower' }
  /** Superiority: better than the champion by at least `by`. */
  | { kind: 'betterThanChampion'; metric: string[]; by: number; better: 'higher' | 'lower' };
