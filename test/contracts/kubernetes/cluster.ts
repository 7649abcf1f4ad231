import { randomBytes } from 'node:crypto';

import { Container, type Image, variablesOf } from './container.js';
import { type KubeObject, Objects, type Resource } from './objects.js';

/** What keeps pods from starting. */
export interface Trouble {
  /** The scheduler finds no node. */
  noNode?: boolean;
  /** Reason and message of a container that waits. */
  waiting?: { reason: string; message: string };
  /** The Job controller makes no pod, and says why. */
  noPod?: string;
}

/** The scheduler, the kubelet, the Job controller and the garbage collector of a cluster with one node. */
export class Cluster {
  readonly objects = new Objects();
  trouble: Trouble = {};
  readonly #containers = new Map<string, Container>();
  /** What Kubernetes will say about the end of a container. */
  readonly #ends = new Map<string, object>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #folder: string;
  readonly #image: Image;

  constructor(folder: string, image: Image) {
    this.#folder = folder;
    this.#image = image;
  }

  create(resource: Resource, body: KubeObject): KubeObject {
    const object = this.objects.add(resource, body);
    if (resource === 'jobs') {
      object.status = { startTime: this.objects.now(), active: 1 };
      this.#soon(() => this.#makePod(object));
    }
    return object;
  }

  /** Deletes as the API server and the garbage collector do. */
  delete(resource: Resource, object: KubeObject, policy: string): void {
    if (resource === 'pods') return this.#deletePod(object);
    if (resource !== 'jobs') return this.objects.remove(resource, object);
    const pods = this.podsOf(object.metadata.name);
    if (policy === 'Foreground' && pods.length > 0) {
      object.metadata.deletionTimestamp ??= this.objects.now();
      object.metadata.finalizers = ['foregroundDeletion'];
      this.objects.touch(object);
      for (const pod of pods) this.#deletePod(pod);
      return;
    }
    this.objects.remove('jobs', object);
    if (policy === 'Orphan') for (const pod of pods) delete pod.metadata.ownerReferences;
    else for (const pod of pods) this.#deletePod(pod);
  }

  podsOf(job: string): KubeObject[] {
    return this.objects.list('pods', { 'batch.kubernetes.io/job-name': job });
  }

  log(pod: string): string | undefined {
    return this.#containers.get(pod)?.log;
  }

  /** The job's pod ends with this word of Kubernetes; how its container is told. */
  async end(job: string, status: object, how: 'term' | 'kill', container: object = {}): Promise<void> {
    for (const pod of this.podsOf(job)) {
      Object.assign(pod.status, status);
      this.#ends.set(pod.metadata.name, container);
      const running = this.#containers.get(pod.metadata.name);
      if (how === 'term') running?.terminate();
      else running?.kill();
      await running?.ended;
    }
  }

  /** The node is gone with everything on it, and its pods are collected. */
  async crash(job: string): Promise<void> {
    const object = this.objects.get('jobs', job);
    for (const pod of this.podsOf(job)) {
      const running = this.#containers.get(pod.metadata.name);
      this.objects.remove('pods', pod);
      running?.kill();
      await running?.ended;
    }
    if (object !== undefined)
      this.#finish(object, 'Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }

  /** The Job ran into its own deadline. */
  expire(job: string): void {
    const object = this.objects.get('jobs', job)!;
    this.#finish(object, 'Failed', 'DeadlineExceeded', 'Job was active longer than specified deadline');
  }

  /** A second pod for a Job that has one: rare, and allowed. */
  doubles(job: string): void {
    this.#makePod(this.objects.get('jobs', job)!);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const running = [...this.#containers.values()];
    for (const container of running) container.kill();
    await Promise.all(running.map(({ ended }) => ended));
  }

  #makePod(job: KubeObject): void {
    if (job.metadata.deletionTimestamp !== undefined || this.objects.get('jobs', job.metadata.name) !== job) return;
    const { name, uid } = job.metadata;
    if (this.trouble.noPod !== undefined) {
      const involvedObject = { kind: 'Job', name, uid };
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${name}.${randomBytes(4).toString('hex')}` },
      };
      this.objects.add('events', {
        ...event,
        involvedObject,
        type: 'Warning',
        reason: 'FailedCreate',
        message: this.trouble.noPod,
      } as never);
      return;
    }
    const { metadata, spec } = structuredClone(job.spec.template) as KubeObject;
    const pod = this.objects.add('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${name}-${randomBytes(3).toString('hex').slice(0, 5)}`,
        labels: { ...metadata.labels, 'batch.kubernetes.io/job-name': name, 'batch.kubernetes.io/controller-uid': uid },
        annotations: metadata.annotations ?? {},
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }],
        finalizers: ['batch.kubernetes.io/job-tracking'],
      },
      spec,
      status: { phase: 'Pending', conditions: [], containerStatuses: null },
    });
    this.#schedule(pod);
  }

  #schedule(pod: KubeObject): void {
    if (this.objects.get('pods', pod.metadata.name) !== pod || pod.metadata.deletionTimestamp !== undefined) return;
    const condition = { type: 'PodScheduled', lastTransitionTime: this.objects.now() };
    if (this.trouble.noNode === true) {
      const message = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.';
      pod.status.conditions = [{ ...condition, status: 'False', reason: 'Unschedulable', message }];
      return this.#soon(() => this.#schedule(pod), 50);
    }
    pod.spec.nodeName = 'node-1';
    pod.status.conditions = [{ ...condition, status: 'True' }];
    this.#soon(() => void this.#run(pod));
  }

  /** The kubelet tries again until the pod is deleted. */
  async #run(pod: KubeObject): Promise<void> {
    if (this.objects.get('pods', pod.metadata.name) !== pod || pod.metadata.deletionTimestamp !== undefined) return;
    const variables = variablesOf(pod, (name) => this.objects.get('secrets', name));
    const waiting =
      this.trouble.waiting ??
      (typeof variables === 'string' ? { reason: 'CreateContainerConfigError', message: variables } : undefined);
    if (waiting !== undefined || typeof variables === 'string') {
      pod.status.containerStatuses = [{ name: 'job', ready: false, state: { waiting } }];
      return this.#soon(() => void this.#run(pod), 50);
    }
    const second = this.podsOf(pod.metadata.ownerReferences?.[0]?.name ?? '').length > 1;
    const container = await Container.start(pod, variables, { folder: this.#folder, image: this.#image, second });
    this.#containers.set(pod.metadata.name, container);
    Object.assign(pod.status, {
      phase: 'Running',
      containerStatuses: [{ name: 'job', ready: true, state: { running: {} } }],
    });
    if (pod.metadata.deletionTimestamp !== undefined) container.terminate();
    const { code, tail } = await container.ended;
    const policy = pod.spec.containers[0].terminationMessagePolicy as string;
    const message = code !== 0 && policy === 'FallbackToLogsOnError' ? { message: tail } : {};
    const reason = code === 0 ? 'Completed' : 'Error';
    const terminated = { exitCode: code, reason, ...message, ...this.#ends.get(pod.metadata.name) };
    Object.assign(pod.status, {
      phase: code === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: [{ name: 'job', ready: false, state: { terminated } }],
    });
    this.#podEnded(pod);
  }

  #deletePod(pod: KubeObject): void {
    pod.metadata.deletionTimestamp ??= this.objects.now();
    this.objects.touch(pod);
    const container = this.#containers.get(pod.metadata.name);
    const over = ['Succeeded', 'Failed'].includes(pod.status.phase as string);
    if (container === undefined || over) return this.#podEnded(pod);
    container.terminate();
    this.#soon(() => container.kill(), pod.spec.terminationGracePeriodSeconds * 1000);
  }

  #podEnded(pod: KubeObject): void {
    const owner = pod.metadata.ownerReferences?.[0];
    const job = owner && this.objects.get('jobs', owner.name);
    if (pod.metadata.deletionTimestamp !== undefined) this.objects.remove('pods', pod);
    if (job === undefined || job.metadata.uid !== owner?.uid) return;
    if (job.metadata.deletionTimestamp !== undefined) {
      if (this.podsOf(job.metadata.name).length === 0) this.objects.remove('jobs', job);
      return;
    }
    if (pod.status.phase === 'Succeeded')
      return this.#finish(job, 'Complete', 'CompletionsReached', 'Reached expected number of succeeded pods');
    this.#finish(job, 'Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }

  #finish(job: KubeObject, type: string, reason: string, message: string): void {
    if (job.status.conditions !== undefined) return;
    job.status.conditions = [{ type, status: 'True', reason, message, lastTransitionTime: this.objects.now() }];
    job.status.active = 0;
    this.objects.touch(job);
    // What still runs of a Job that is over is ended.
    for (const pod of this.podsOf(job.metadata.name)) if (this.#lives(pod)) this.#deletePod(pod);
  }

  #lives(pod: KubeObject): boolean {
    return !['Succeeded', 'Failed'].includes(pod.status.phase as string);
  }

  #soon(work: () => void, ms = 5): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }
}
