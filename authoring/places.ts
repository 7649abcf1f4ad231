import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './package-root.js';

/** Where an author wrote something; `file` is relative to the project root, with forward slashes. */
export interface Place {
  file: string;
  line: number;
  column: number;
}

/** Our own frames, compiled or mapped back to their sources. */
const ownFolders = ['authoring', join('dist', 'authoring')].map((folder) => join(packageRoot, folder) + sep);

/** The place in the author's own code that led here. */
export function callerPlace(root: string): Place {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 40;
  const stack = new Error('place').stack ?? '';
  Error.stackTraceLimit = limit;
  return placeInStack(stack, root) ?? { file: 'unknown', line: 0, column: 0 };
}

/** First frame of a stack that is neither ours nor Node's. */
export function placeInStack(stack: string, root: string): Place | undefined {
  for (const line of stack.split('\n')) {
    const match = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):(\d+)\)?$/.exec(line.trimEnd());
    if (match === null) continue;
    const [, at = '', row, column] = match;
    const file = at.startsWith('file://') ? fileURLToPath(at.replace(/[?#].*$/, '')) : at;
    if (ownFolders.some((folder) => file.startsWith(folder))) continue;
    return { file: relative(root, file).split(sep).join('/'), line: Number(row), column: Number(column) };
  }
  return undefined;
}

/** `file:line:col`. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}
