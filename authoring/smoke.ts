import type { Json } from '../plan/json.js';

/** A smoke request for a model that takes text (V2 inference protocol, input `text`). */
export function text(...sentences: string[]): Json {
  return { inputs: [{ name: 'text', datatype: 'BYTES', shape: [sentences.length], data: sentences }] };
}

/** A smoke request for a model that takes rows of numbers (V2 inference protocol, input `features`). */
export function features(...rows: number[][]): Json {
  return {
    inputs: [{ name: 'features', datatype: 'FP64', shape: [rows.length, rows[0]?.length ?? 0], data: rows.flat() }],
  };
}
