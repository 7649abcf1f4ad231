import { printable } from '../../../plan/errors.js';
import type { JobFailure } from '../port.js';
import { containerName } from './job-name.js';
import { holds, type Pod } from './objects.js';

/** A registry that is away comes back, a Secret may be made a moment later: what lasts for longer is there to stay. */
const passingMs = 5 * 60_000;
const denied =
  /not found|manifest unknown|name unknown|unauthorized|denied|forbidden|does not exist|no match for platform/i;

/** Whether something of it may still run; also on a node that does not answer. */
export function isLiving({ status }: Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

/** A pod in one line, for people. */
export function describePod(pod: Pod): string {
  const { metadata, status, spec } = pod;
  const waits = waitingOf(pod);
  const unplaced = status?.conditions.find(({ type, status: held }) => type === 'PodScheduled' && held === 'False');
  const why = [waits?.reason ?? unplaced?.reason, waits?.message ?? unplaced?.message].filter(Boolean).join(': ');
  const at = spec.nodeName ? ` on ${spec.nodeName}` : '';
  const going = metadata.deletionTimestamp ? ', being deleted' : '';
  return printable(`pod ${metadata.name} ${status?.phase ?? 'Pending'}${at}${going}${why && ` (${why})`}`, 500);
}

/**
 * Why a pod that waits will not start, undefined while it may.
 *
 * @param at the server's clock, in ms since 1970
 * @param placeMs how long it may wait for a place
 */
export function hopeless(pod: Pod, at: number, placeMs: number): JobFailure | undefined {
  if (pod.status?.phase !== 'Pending' || pod.metadata.deletionTimestamp) return undefined;
  const { reason = '', message = '' } = waitingOf(pod) ?? {};
  const said = `Kubernetes says ${reason}: ${printable(message || 'no more', 800)}`;
  const placed = holds(pod.status.conditions, 'PodScheduled');
  const since = Date.parse((placed?.lastTransitionTime || pod.metadata.creationTimestamp) ?? '');
  const waited = at - since;
  if (['InvalidImageName', 'ErrImageNeverPull'].includes(reason ?? '')) return failure('E_TRAINER_SPEC', false, said);
  const stuck =
    placed !== undefined && waited > passingMs ? stuckFailure(reason ?? '', message ?? '', said) : undefined;
  if (stuck !== undefined) return stuck;
  return waited > placeMs ? noPlace(describePod(pod)) : undefined;
}

/** What a container waits for that has a node, and did not get in time. */
function stuckFailure(reason: string, message: string, said: string): JobFailure | undefined {
  switch (reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
      return denied.test(message) ? failure('E_TRAINER_SPEC', false, said) : failure('E_TRAINER_LOST', true, said);
    case 'CreateContainerConfigError':
      return failure(/secret/i.test(message) ? 'E_SECRET_REF' : 'E_TRAINER_ENVIRONMENT', false, said);
    case 'CreateContainerError':
    case 'RunContainerError':
      return failure('E_TRAINER_LOST', true, said);
    default:
      return undefined;
  }
}

/** No place was free in time; another time one may be. */
export function noPlace(what: string): JobFailure {
  return failure(
    'E_TRAINER_LIMIT',
    true,
    `startTimeout: the job did not begin in time: ${what}; ask for less in \`resources\`, add nodes or raise startTimeout`,
  );
}

/** What Kubernetes says about the end of a pod, where that says more than the launcher can. */
export function explain(pod: Pod): JobFailure | undefined {
  const { status, metadata } = pod;
  const name = `pod ${metadata.name}`;
  const end = terminatedOf(pod);
  const said = printable(status?.message || end?.message || '', 800);
  if (isMemory(pod)) {
    const message = `memory: ${name} used more than it was given (OOMKilled); raise resources.memory of the stage`;
    return failure('E_TRAINER_LIMIT', false, message);
  }
  if (status?.reason === 'DeadlineExceeded') return overtime(name);
  if (status?.reason === 'Evicted' && /exceed/i.test(said) && !/^The node was low/i.test(said)) {
    return failure('E_TRAINER_LIMIT', false, `disk: ${name} was evicted: ${said}`);
  }
  const target = holds(status?.conditions ?? [], 'DisruptionTarget');
  const disruption = status?.reason || target?.reason;
  if (disruption) {
    const words = said || printable(target?.message ?? '', 800);
    return failure('E_TRAINER_LOST', true, `${name} was ended by Kubernetes (${disruption})${words && `: ${words}`}`);
  }
  const cannotRun = ['StartError', 'ContainerCannotRun'].includes(end?.reason ?? '');
  if (cannotRun || /No module named '?slipway_launcher/.test(said)) {
    const message = `the image cannot run the launcher: ${said}; build it as docs/adapters/sagemaker.md says`;
    return failure('E_TRAINER_ENVIRONMENT', false, message);
  }
  return undefined;
}

/** The limit that Kubernetes keeps beyond the launcher's own. */
export function overtime(name: string): JobFailure {
  const message = `maxDuration: ${name} ran longer than it may (DeadlineExceeded); raise the stage's timeout or the trainer's margin`;
  return failure('E_TRAINER_LIMIT', false, message);
}

/** Memory ran out, of the launcher or of the command. */
export function isMemory(pod: Pod): boolean {
  return terminatedOf(pod)?.reason === 'OOMKilled';
}

/** How a pod's container ended, for people. */
export function lastWords(pod: Pod): string {
  const end = terminatedOf(pod);
  if (end == null) return describePod(pod);
  const words = end.message ? `; its output ends with:\n${printable(end.message.trim().slice(-1_000), 1_000)}` : '';
  return `pod ${pod.metadata.name} ended with exit code ${end.exitCode}${end.reason ? ` (${end.reason})` : ''}${words}`;
}

function waitingOf(pod: Pod) {
  return stateOf(pod)?.waiting;
}

function terminatedOf(pod: Pod) {
  return stateOf(pod)?.terminated;
}

/** Of our container; a cluster may put others beside it. */
function stateOf({ status }: Pod) {
  return status?.containerStatuses.find(({ name }) => name === containerName)?.state;
}

function failure(code: string, transient: boolean, message: string): JobFailure {
  return { code, message, transient };
}
