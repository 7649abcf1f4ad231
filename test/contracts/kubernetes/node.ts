import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Admin } from './admin.js';
import type { Certificates } from './certificates.js';
import { Container, type Image, variablesOf } from './container.js';
import type { KubeObject } from './objects.js';

const name = 'node-1';
const core = '/api/v1/namespaces/ml';
const pollMs = 100;

interface Running {
  container: Container;
  /** It was told to end. */
  told: boolean;
}

/** A scheduler and a kubelet with one node, which is this machine. Containers are processes, their images are this machine. */
export class RealNode {
  readonly #admin: Admin;
  readonly #place: { folder: string; image: Image };
  readonly #running = new Map<string, Running>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Pods whose end is not told any more: their node is gone. */
  readonly #lost = new Set<string>();
  readonly #server: Server;
  #open = true;
  #work: Promise<void> | undefined;

  constructor(admin: Admin, certificates: Certificates, place: { folder: string; image: Image }) {
    this.#admin = admin;
    this.#place = place;
    this.#server = createServer(certificates.server, (request, response) => {
      const pod = /^\/containerLogs\/ml\/([^/]+)\/job(\?|$)/.exec(request.url ?? '')?.[1] ?? '';
      const log = this.#running.get(pod)?.container.log;
      if (log !== undefined) return void createReadStream(log).pipe(response);
      response.writeHead(400).end(`container "job" in pod "${pod}" is waiting to start`);
    });
  }

  /** Joins the cluster. */
  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    await this.#admin.ask('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }];
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } };
    await this.#admin.ask('PATCH', `/api/v1/nodes/${name}/status`, { status });
    this.#work = this.#loop();
  }

  /** The node is gone with everything on it: nobody tells how the pods of the job ended. */
  async crash(job: string): Promise<void> {
    for (const pod of await this.podsOf(job)) {
      const { name: id } = pod.metadata;
      this.#lost.add(id);
      const running = this.#running.get(id);
      running?.container.kill();
      await running?.container.ended;
      // As the collector of pods without a node does.
      await this.#tell(id, { phase: 'Failed' });
      await this.#remove(id);
    }
  }

  async podsOf(job: string): Promise<KubeObject[]> {
    const path = `${core}/pods?labelSelector=batch.kubernetes.io/job-name%3D${job}`;
    return (await this.#admin.ask<{ items: KubeObject[] }>('GET', path)).items;
  }

  async close(): Promise<void> {
    this.#open = false;
    await this.#work;
    for (const timer of this.#timers) clearTimeout(timer);
    const containers = [...this.#running.values()].map(({ container }) => container);
    for (const container of containers) container.kill();
    await Promise.all(containers.map(({ ended }) => ended));
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** What it cannot tell while the API server is away is told later. */
  async #loop(): Promise<void> {
    for (; this.#open; await sleep(pollMs)) {
      const pods = await this.#admin.ask<{ items: KubeObject[] }>('GET', `${core}/pods`).catch(() => undefined);
      for (const pod of pods?.items ?? []) await this.#look(pod).catch(() => undefined);
      const known = new Set(pods?.items.map(({ metadata }) => metadata.name));
      if (pods === undefined) continue;
      for (const [id, { container }] of this.#running) if (!known.has(id)) container.kill();
    }
  }

  async #look(pod: KubeObject): Promise<void> {
    const { name: id, deletionTimestamp } = pod.metadata;
    const running = this.#running.get(id);
    const over = ['Succeeded', 'Failed'].includes(pod.status.phase as string);
    if (this.#lost.has(id)) return;
    if (pod.spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name };
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: id }, target };
      await this.#admin.ask('POST', `${core}/pods/${id}/binding`, binding);
    } else if (deletionTimestamp !== undefined) {
      if (running === undefined || over) return this.#remove(id);
      this.#end(running, pod.spec.terminationGracePeriodSeconds as number);
    } else if (running === undefined && !over) await this.#run(pod);
  }

  async #run(pod: KubeObject): Promise<void> {
    const { name: id } = pod.metadata;
    const { items } = await this.#admin.ask<{ items: KubeObject[] }>('GET', `${core}/secrets`);
    const variables = variablesOf(pod, (secret) => items.find(({ metadata }) => metadata.name === secret));
    if (typeof variables === 'string') {
      const waiting = { reason: 'CreateContainerConfigError', message: variables };
      return this.#tell(id, { containerStatuses: statuses(pod, { waiting }) });
    }
    const second = (await this.podsOf(pod.metadata.ownerReferences?.[0]?.name ?? '')).length > 1;
    const container = await Container.start(pod, variables, { ...this.#place, second });
    this.#running.set(id, { container, told: false });
    const status = { phase: 'Running', containerStatuses: statuses(pod, { running: {} }) };
    await this.#tell(id, status).catch(() => undefined);
    void this.#follow(pod, container);
  }

  /** Tells how a container ended, as often as it takes. */
  async #follow(pod: KubeObject, container: Container): Promise<void> {
    const { code, tail } = await container.ended;
    const reason = code === 0 ? 'Completed' : 'Error';
    const terminated = { exitCode: code, reason, ...(code !== 0 && { message: tail }) };
    const status = { phase: code === 0 ? 'Succeeded' : 'Failed', containerStatuses: statuses(pod, { terminated }) };
    const { name: id } = pod.metadata;
    const told = () => this.#tell(id, status).then(() => true, gone);
    while (this.#open && !this.#lost.has(id) && !(await told())) await sleep(pollMs);
  }

  #end(running: Running, graceSeconds: number): void {
    if (running.told) return;
    running.told = true;
    running.container.terminate();
    this.#timers.add(setTimeout(() => running.container.kill(), graceSeconds * 1000));
  }

  async #tell(pod: string, status: object): Promise<void> {
    await this.#admin.ask('PATCH', `${core}/pods/${pod}/status`, { status });
  }

  async #remove(pod: string): Promise<void> {
    await this.#admin.status('DELETE', `${core}/pods/${pod}`, { gracePeriodSeconds: 0 });
  }
}

function statuses(pod: KubeObject, state: object): object[] {
  const { name: container, image } = pod.spec.containers[0] as { name: string; image: string };
  return [{ name: container, image, imageID: '', ready: 'running' in state, restartCount: 0, state }];
}

/** Whether nobody has to be told any more. */
function gone(error: unknown): boolean {
  return error instanceof Error && error.message.includes(': 404 ');
}
