import { type ExitCode, exitCodes, printable, SlipwayError } from '../../../plan/errors.js';
import type { Answered, ApiAnswer } from './api.js';

/** What Kubernetes says about a request that failed; every part may be missing. */
interface Status {
  kind?: string;
  reason?: string;
  message?: string;
  details?: { name?: string; causes?: { field?: string; message?: string }[] };
}

const statusOf = ({ body }: ApiAnswer): Status => body as Status;

/** Kubernetes itself positively says that there is no object of this name. */
export function isAbsent(answer: ApiAnswer, name: string): boolean {
  const { kind, reason, details } = statusOf(answer);
  return answer.status === 404 && kind === 'Status' && reason === 'NotFound' && details?.name === name;
}

/** An object of the name exists. */
export function isTaken(answer: ApiAnswer): boolean {
  return answer.status === 409 && statusOf(answer).reason === 'AlreadyExists';
}

/** The place in a list, of which this is the next part, is too old. */
export function isExpired(answer: ApiAnswer): boolean {
  return answer.status === 410;
}

export function isForbidden({ status }: ApiAnswer): boolean {
  return status === 403;
}

/** What a success says; throws the `refusal` that anything else is. */
export function ok(answer: Answered, doing: string, where: string): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw refusal(answer, doing, where);
}

/**
 * An answer that is no success, as people and activities see it: `E_TRAINER_ACCESS` (77) names the right that is missing and whose,
 * `E_UNAVAILABLE` (75) may pass (a quota that is used up, a conflict, a list that is too old), else `E_TRAINER_SPEC` with what Kubernetes refuses.
 */
export function refusal(answer: Answered, doing: string, where: string): SlipwayError {
  const { reason = '', message = '', details } = statusOf(answer);
  const said = printable(message || reason || 'it does not say why', 1_000);
  const fault = (code: string, fix: string, exitCode?: ExitCode): SlipwayError =>
    new SlipwayError({ code, where, message: `${doing} is refused (${answer.status}): ${said}`, fix }, exitCode);
  const access = (fix: string) => fault('E_TRAINER_ACCESS', fix, exitCodes.permission);
  const { by } = answer;
  if (answer.status === 401) return access(`The credentials of ${by} are missing, wrong or have ended.`);
  if (answer.status === 403 && /exceeded quota/i.test(message)) {
    return fault(
      'E_UNAVAILABLE',
      'It is asked again when other jobs have ended; see kubectl get quota.',
      exitCodes.temporary,
    );
  }
  if (answer.status === 403 && !/admission webhook|violates PodSecurity|denied request/i.test(message)) {
    return access(`Give the user of ${by} this right: the Role of docs/adapters/trainer-kubernetes.md.`);
  }
  if (answer.status === 409 || isExpired(answer))
    return fault('E_UNAVAILABLE', 'It is asked again.', exitCodes.temporary);
  if (answer.status === 404) {
    return access('See that `namespace` of the trainer is there, and that the cluster serves batch/v1.');
  }
  const fields = (details?.causes ?? []).flatMap(({ field }) => field ?? []).join(', ');
  const named = fields === '' ? 'what the message names' : printable(fields, 200);
  return fault('E_TRAINER_SPEC', `Correct ${named}, in \`trainers\` of slipway.config.ts or in the stage.`);
}

/** `E_UNAVAILABLE`: the same call may succeed later. */
export function unavailable(message: string, where: string, said = ''): SlipwayError {
  const words = said === '' ? '' : `: ${printable(said, 600)}`;
  const fix = 'It is asked again; see that the API server is up and that its address in the kubeconfig is right.';
  return new SlipwayError({ code: 'E_UNAVAILABLE', message: `${message}${words}`, where, fix }, exitCodes.temporary);
}

/** `E_TRAINER_PROTOCOL`: what answers is no API server of Kubernetes. */
export function notKubernetes(what: string, where: string): SlipwayError {
  const fix = 'See that `server` in the kubeconfig is the address of an API server, not of something before it.';
  return new SlipwayError({ code: 'E_TRAINER_PROTOCOL', message: `no answer of Kubernetes: ${what}`, where, fix });
}

/** Reasons of a certificate that is not accepted, on either side: trying again does not help. */
const certificate =
  /^(ERR_TLS_|ERR_OSSL_|ERR_SSL_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** No answer came: `E_TRAINER_ACCESS` (77) where TLS failed, else `E_UNAVAILABLE`. */
export function silence(error: unknown, server: string): SlipwayError {
  const { code = '', message: plain, cause } = error as NodeJS.ErrnoException;
  // Of an abort the reason says more.
  const message = cause instanceof Error ? cause.message : plain;
  if (!certificate.test(code)) return unavailable('the API server does not answer', server, message || code);
  const fix = 'See certificate-authority, tls-server-name and the client certificate of the kubeconfig.';
  const said = `the API server and we do not trust each other: ${printable(message, 300)}`;
  return new SlipwayError({ code: 'E_TRAINER_ACCESS', where: server, message: said, fix }, exitCodes.permission);
}
