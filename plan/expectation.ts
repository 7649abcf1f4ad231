/** One expectation of a data suite. Column names are exact. */
export type Expectation =
  | { kind: 'columns'; columns: string[] }
  | { kind: 'rows'; min?: number; max?: number }
  | { kind: 'notEmpty'; column: string }
  | { kind: 'oneOf'; column: string; values: string[] }
  | { kind: 'number'; column: string; min?: number; max?: number }
  | { kind: 'unique'; column: string }
  | { kind: 'classes'; column: string; min: number };

/** What an expectation found. `share` is the share of rows that fail it; 1 for faults of the whole set. */
export interface Finding {
  expectation: Expectation;
  message: string;
  failed: number;
  share: number;
  /** First 20 row numbers, from 1, as the rows stand in the source of the data: also when it was split. */
  rows: number[];
  /** Beyond the allowed failure rate: the data set is refused. */
  refused: boolean;
}
