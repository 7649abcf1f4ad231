/** `name{a="b"}` with label values escaped, so that no value changes the query's shape. */
export function selector(metric: string, labels: Record<string, string>): string {
  const inner = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${k}="${v.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`);
  return `${metric}{${inner.join(',')}}`;
}
