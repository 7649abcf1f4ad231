import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { Certificates } from './certificates.js';
import type { Cluster } from './cluster.js';
import { expired, Lists } from './lists.js';
import type { KubeObject, Resource } from './objects.js';
import { faultsOf } from './validation.js';

/** What goes wrong with a request: `before` it has its effect, or `after`. */
export interface Mishap {
  method: string;
  /** Part of the path. */
  path: string;
  /** How often; default every time. */
  times?: number;
  when: 'before' | 'after';
  /** Answers this, closes the connection, never answers, or half of an answer. */
  how: { status: number; body: string; type?: string; headers?: Record<string, string> } | 'close' | 'hang' | 'half';
}
/** One rule of a Role. */
export interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

interface Request {
  method: string;
  group: string;
  resource: Resource;
  name: string | undefined;
  log: boolean;
  query: URLSearchParams;
  body: unknown;
}
interface Answer {
  status: number;
  body: unknown;
}

const namespace = 'ml';
const verbs: Record<string, string> = { POST: 'create', PATCH: 'patch', DELETE: 'delete' };

/** The part of kube-apiserver that a Job trainer talks to: batch/v1 Jobs, pods, Secrets, events, over TLS, with rights. */
export class ApiServer {
  /** Who is let in by a token. */
  tokens: string[] = [];
  rules: Rule[] = [];
  mishaps: Mishap[] = [];
  /** Every request: `POST /apis/…`. */
  readonly requests: string[] = [];
  readonly lists = new Lists();
  url = '';
  readonly #cluster: Cluster;
  #stop: (() => Promise<void>) | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async listen({ ca, server: pair }: Certificates): Promise<void> {
    const server = createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#stop = async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
  }

  async close(): Promise<void> {
    await this.#stop?.();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    this.requests.push(`${method} ${url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const mishap = this.#mishap(method, url);
    if (mishap?.when === 'before') return suffer(mishap, response, '');
    const answer = await this.#answer(request, Buffer.concat(chunks).toString());
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    if (mishap !== undefined) return suffer(mishap, response, text);
    const type = typeof answer.body === 'string' ? 'text/plain' : 'application/json';
    response.writeHead(answer.status, {
      'content-type': type,
      date: new Date(this.#cluster.objects.clock()).toUTCString(),
    });
    response.end(text);
  }

  #mishap(method: string, url: string): Mishap | undefined {
    const found = this.mishaps.find((m) => m.method === method && url.includes(m.path) && m.times !== 0);
    if (found?.times !== undefined) found.times -= 1;
    return found;
  }

  async #answer(raw: IncomingMessage, text: string): Promise<Answer> {
    const user = this.#user(raw);
    if (user === undefined) return status(401, 'Unauthorized', 'Unauthorized');
    const request = parse(raw, text);
    if (request === undefined) return { status: 404, body: '404 page not found\n' };
    const verb = verbs[request.method] ?? (request.name === undefined ? 'list' : 'get');
    const forbidden = this.#forbidden(user, verb, request);
    if (forbidden !== undefined) return forbidden;
    if (request.log) return this.#log(request);
    switch (verb) {
      case 'create':
        return this.#create(request);
      case 'list':
        return this.#list(request);
      default:
        return this.#one(verb, request);
    }
  }

  #user(request: IncomingMessage): string | undefined {
    const socket = request.socket as TLSSocket;
    // Of a resumed session without a certificate Node says that it is authorized.
    const certificate = socket.authorized ? socket.getPeerCertificate() : undefined;
    if (certificate?.subject !== undefined) return String(certificate.subject.CN);
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    return this.tokens.includes(token) ? 'system:serviceaccount:ml:slipway' : undefined;
  }

  #forbidden(user: string, verb: string, { group, resource, log }: Request): Answer | undefined {
    const asked = log ? 'pods/log' : resource;
    const allowed = this.rules.some(
      (r) => r.apiGroups.includes(group) && r.resources.includes(asked) && r.verbs.includes(verb),
    );
    if (allowed) return undefined;
    const what = group === '' ? asked : `${asked}.${group}`;
    const message = `${what} is forbidden: User "${user}" cannot ${verb} resource "${asked}" in API group "${group}" in the namespace "${namespace}"`;
    return status(403, 'Forbidden', message);
  }

  #create({ resource, body }: Request): Answer {
    const faults = faultsOf(resource as 'jobs', body);
    const { name } = (body as KubeObject).metadata;
    if (faults.length > 0) {
      const message = `${resource} "${name}" is invalid: ${faults.map((f) => `${f.field}: ${f.message}`).join(', ')}`;
      return status(422, 'Invalid', message, { name, causes: faults });
    }
    if (this.#cluster.objects.get(resource, name) !== undefined)
      return status(409, 'AlreadyExists', `${resource} "${name}" already exists`, { name });
    return { status: 201, body: this.#cluster.create(resource, body as KubeObject) };
  }

  #list({ resource, query }: Request): Answer {
    const pairs = (query.get('labelSelector') ?? '').split(',').filter(Boolean);
    const fields = (query.get('fieldSelector') ?? '').split(',').filter(Boolean);
    const selector = Object.fromEntries(pairs.map((pair) => pair.split('='))) as Record<string, string>;
    const items = this.#cluster.objects.list(resource, selector).filter((object) =>
      fields.every((pair) => {
        const [path = '', value] = pair.split('=');
        return path.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], object) === value;
      }),
    );
    const part = this.lists.part(items, this.#cluster.objects.version, query);
    if (part === 'expired') return status(410, 'Expired', expired);
    if (part === 'invalid') return status(400, 'BadRequest', 'continue key is not valid');
    return { status: 200, body: { kind: 'List', apiVersion: 'v1', ...part } };
  }

  #one(verb: string, { resource, name = '', body }: Request): Answer {
    const found = this.#cluster.objects.get(resource, name);
    if (found === undefined) return notFound(resource, name);
    if (verb === 'delete') {
      const policy = (body as { propagationPolicy?: string } | undefined)?.propagationPolicy ?? 'Background';
      this.#cluster.delete(resource, found, policy);
    }
    if (verb === 'patch') {
      const { metadata } = body as { metadata: object };
      Object.assign(found.metadata, metadata);
      this.#cluster.objects.touch(found);
    }
    return { status: 200, body: found };
  }

  async #log({ name = '' }: Request): Promise<Answer> {
    if (this.#cluster.objects.get('pods', name) === undefined) return notFound('pods', name);
    const file = this.#cluster.log(name);
    if (file === undefined) return status(400, 'BadRequest', `container "job" in pod "${name}" is waiting to start`);
    return { status: 200, body: await readFile(file, 'utf8') };
  }
}

function parse(request: IncomingMessage, text: string): Request | undefined {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const found =
    /^\/(?:api\/v1|apis\/(batch)\/v1)\/namespaces\/ml\/(jobs|pods|secrets|events)(?:\/([^/]+)(\/log)?)?$/.exec(
      url.pathname,
    );
  if (found === null || (found[1] === 'batch') !== (found[2] === 'jobs')) return undefined;
  return {
    method: request.method ?? '',
    group: found[1] ?? '',
    resource: found[2] as Resource,
    name: found[3],
    log: found[4] !== undefined,
    query: url.searchParams,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

function suffer({ how }: Mishap, response: ServerResponse, text: string): void {
  if (how === 'hang') return;
  if (how === 'close') return void response.destroy();
  if (how === 'half') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.write(text.slice(0, text.length / 2));
    setTimeout(() => response.destroy(), 20);
    return;
  }
  response.writeHead(how.status, { 'content-type': how.type ?? 'application/json', ...how.headers });
  response.end(how.body);
}

function notFound(resource: string, name: string): Answer {
  return status(404, 'NotFound', `${resource} "${name}" not found`, { name, kind: resource });
}

function status(code: number, reason: string, message: string, details: object = {}): Answer {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details },
  };
}
