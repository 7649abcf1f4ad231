import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Where in a packed pipeline file something happened, as its author knows it. */
export type PlaceFinder = (stack: string) => string | undefined;

/**
 * Finds the author's own `file:line:column` in a stack. With a source map beside the packed file (`<file>.map`) it is exact;
 * without one it is the author's file alone, from the headings that packing leaves.
 */
export function authorPlaces(bundle: string): PlaceFinder {
  const url = pathToFileURL(bundle).href;
  const lines = readFileSync(bundle, 'utf8').split('\n');
  const map = existsSync(`${bundle}.map`)
    ? new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')) as SourceMapPayload)
    : undefined;
  return (stack) => {
    for (const frame of stack.split('\n')) {
      const at = frame.indexOf(url);
      const match = at === -1 ? null : /^(?:[?#][^:]*)?:(\d+):(\d+)/.exec(frame.slice(at + url.length));
      if (match === null) continue;
      const place = mapped(map, Number(match[1]), Number(match[2])) ?? heading(lines, Number(match[1]));
      if (place !== undefined) return place;
    }
    return undefined;
  };
}

function mapped(map: SourceMap | undefined, line: number, column: number): string | undefined {
  const entry = map?.findEntry(line - 1, column - 1);
  return entry !== undefined && 'originalSource' in entry
    ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    : undefined;
}

/** Packing puts `// path/of/module.ts` above the lines of each module. */
function heading(lines: readonly string[], line: number): string | undefined {
  for (let i = line - 1; i >= 0; i--) {
    const found = /^\/\/ (\S+\.[cm]?[jt]sx?)$/.exec(lines[i] ?? '')?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
