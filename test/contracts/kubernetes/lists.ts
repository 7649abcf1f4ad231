import type { KubeObject } from './objects.js';

/** A part of a list, as kube-apiserver answers it. */
interface Part {
  metadata: { resourceVersion: string; continue?: string };
  items: KubeObject[];
}

/** What kube-apiserver says about a token of a state that it no longer has. */
export const expired =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/**
 * Lists in parts, by `limit` and `continue`: all parts show the state at which the first was read, in the order of names.
 * How many remain is not told, as with any list by labels.
 */
export class Lists {
  #states = new Map<number, KubeObject[]>();
  /** The states of so many lists are forgotten once their first part was told, as when etcd compacts in between. */
  forgetting = 0;

  /** @param items what the server has now, at this version */
  part(items: KubeObject[], version: number, query: URLSearchParams): Part | 'expired' | 'invalid' {
    const limit = Number(query.get('limit') ?? 0);
    const token = query.get('continue');
    const place = token ? placeOf(token) : { rv: version, start: '' };
    if (place === undefined) return 'invalid';
    const state = token ? this.#states.get(place.rv) : structuredClone(items);
    if (state === undefined) return 'expired';
    const ordered = state.filter(({ metadata }) => metadata.name >= place.start).sort(byName);
    const shown = limit > 0 ? ordered.slice(0, limit) : ordered;
    const metadata = { resourceVersion: String(place.rv) };
    const last = shown.at(-1);
    if (shown.length === ordered.length || last === undefined) return { metadata, items: shown };
    if (this.forgetting > 0) {
      this.forgetting -= 1;
      this.#states.delete(place.rv);
    } else this.#states.set(place.rv, state);
    return { metadata: { ...metadata, continue: tokenOf(place.rv, `${last.metadata.name}\0`) }, items: shown };
  }
}

function byName(a: KubeObject, b: KubeObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}

function tokenOf(rv: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url');
}

function placeOf(token: string): { rv: number; start: string } | undefined {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { rv?: number; start?: string };
    return rv === undefined || start === undefined ? undefined : { rv, start };
  } catch {
    return undefined;
  }
}
