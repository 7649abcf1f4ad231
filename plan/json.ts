/** Plain JSON, the only form in which values cross a process boundary. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** The value of JSON text; undefined for text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * JSON text with sorted object keys and no white space, so that equal values have equal bytes
 * (the ordering rule of RFC 8785). `undefined` members are left out, as `JSON.stringify` does.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((v) => canonicalJson(v ?? null)).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`);
    return `{${entries.join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

/** One step of a JSON pointer (RFC 6901), escaped. */
export function pointerStep(key: string | number): string {
  return `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The steps of a JSON pointer, unescaped. */
export function pointerSteps(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value at a path, or `undefined` where a step is missing. Own properties only. */
export function valueAt(root: Json | undefined, path: readonly string[]): Json | undefined {
  let at: Json | undefined = root;
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined;
    at = (at as JsonObject)[step];
  }
  return at;
}

/** A copy of `root` with `value` put at the pointer; missing objects on the way are made. */
export function withValueAt(root: Json, pointer: string, value: Json): Json {
  const [first, ...rest] = pointerSteps(pointer);
  if (first === undefined) return value;
  const tail = rest.map(pointerStep).join('');
  if (Array.isArray(root)) {
    return root.map((v, i) => (String(i) === first ? withValueAt(v, tail, value) : v));
  }
  const object = root !== null && typeof root === 'object' ? root : {};
  const inner = Object.hasOwn(object, first) ? (object[first] ?? {}) : {};
  return { ...object, [first]: withValueAt(inner, tail, value) };
}

/** An object whose members may be undefined, and the same where those that are undefined are absent. */
export type WithoutUndefined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The members of an object that are not undefined: what is absent in JSON and in options must be absent in the object too. */
export function withoutUndefined<T extends object>(members: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as WithoutUndefined<T>;
}
