/** Where the `from` of a snapshot lies: a file of the project, an object of a store, or what only a source understands. */
export type DataSource = { kind: 'file'; path: string } | { kind: 'object' } | { kind: 'other' };

export function dataSource(from: string): DataSource {
  if (from.startsWith('file:')) return { kind: 'file', path: from.slice('file:'.length) };
  return { kind: from.startsWith('s3://') ? 'object' : 'other' };
}

/** How a data file is written, and the endings of names that say so. */
const endings = { jsonl: ['.jsonl', '.ndjson'], csv: ['.csv'] } as const;
export type DataFormat = keyof typeof endings;
/** All endings of data files, as people read them. */
export const dataEndings = Object.values(endings).flat().join(', ');

/** The format that a file name stands for, whatever its case. */
export function dataFormat(name: string): DataFormat | undefined {
  const low = name.toLowerCase();
  const formats = Object.keys(endings) as DataFormat[];
  return formats.find((format) => endings[format].some((ending) => low.endsWith(ending)));
}
