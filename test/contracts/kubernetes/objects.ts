import { randomUUID } from 'node:crypto';

/** Any object of Kubernetes, as its JSON. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  spec?: any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  status?: any;
  data?: Record<string, string>;
  immutable?: boolean;
}
interface Metadata {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
}
export type Resource = 'jobs' | 'pods' | 'secrets' | 'events';

/** The objects of one namespace, and its clock. */
export class Objects {
  #all = new Map<string, KubeObject>();
  #version = 1;
  #offsetMs = 0;

  get(resource: Resource, name: string): KubeObject | undefined {
    return this.#all.get(`${resource}/${name}`);
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  list(resource: Resource, selector: Record<string, string> = {}): KubeObject[] {
    const found = [...this.#all].filter(([key]) => key.startsWith(`${resource}/`)).map(([, object]) => object);
    return found.filter(({ metadata }) =>
      Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value),
    );
  }

  add(
    resource: Resource,
    object: Omit<KubeObject, 'metadata'> & { metadata: Partial<Metadata> & { name: string } },
  ): KubeObject {
    const given = { uid: randomUUID(), creationTimestamp: this.now(), resourceVersion: this.#next() };
    const added = { ...object, metadata: { ...object.metadata, ...given } };
    this.#all.set(`${resource}/${object.metadata.name}`, added);
    return added;
  }

  /** Removes an object, and what it owned and nobody else does. */
  remove(resource: Resource, { metadata }: KubeObject): void {
    if (this.get(resource, metadata.name)?.metadata.uid !== metadata.uid) return;
    this.#all.delete(`${resource}/${metadata.name}`);
    for (const secret of this.list('secrets')) {
      const owners = secret.metadata.ownerReferences ?? [];
      if (owners.length > 0 && owners.every(({ uid }) => uid === metadata.uid)) this.remove('secrets', secret);
    }
  }

  touch(object: KubeObject): void {
    object.metadata.resourceVersion = this.#next();
  }

  /** As Kubernetes writes it: whole seconds. */
  now(): string {
    return new Date(this.clock()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  clock(): number {
    return Date.now() + this.#offsetMs;
  }

  /** The clock goes on by so much. */
  skip(ms: number): void {
    this.#offsetMs += ms;
  }

  #next(): string {
    return String(this.#version++);
  }
}
