import { ServiceError, isGrpcServiceError } from '@temporalio/client';
import { NamespaceNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import { SlipwayError, exitCodes } from '../plan/errors.js';

/** gRPC status codes that we tell apart. */
const grpc = {
  cancelled: 1,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  exhausted: 8,
  unavailable: 14,
  unauthenticated: 16,
};

/** Where a call went, for messages. */
export interface Target {
  address: string;
  namespace: string;
}

/** True when a call got no answer in time, or was turned away for the moment: the server may be there all the same. */
export function isUnanswered(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && [grpc.unavailable, grpc.deadlineExceeded].includes(Number(cause.code));
}

/** Runs a call and turns what Temporal says into our own errors. */
export async function told<T>(target: Target, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toSlipwayError(error, target);
  }
}

/** The user's view of a failed call; errors that are no answers of Temporal come back unchanged. */
export function toSlipwayError(error: unknown, target: Target): unknown {
  if (error instanceof SlipwayError) return error;
  if (error instanceof NamespaceNotFoundError)
    return namespaceFault(target, `the namespace \`${target.namespace}\` does not exist`);
  if (error instanceof WorkflowNotFoundError) return runUnknown(error.workflowId);
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause)) {
    return error instanceof Error && error.message.startsWith('Failed to connect')
      ? unreachable(target, 'no connection in time')
      : error;
  }
  switch (Number(cause.code)) {
    case grpc.unavailable:
    case grpc.deadlineExceeded:
    case grpc.cancelled:
      return unreachable(target, cause.details);
    case grpc.permissionDenied:
    case grpc.unauthenticated:
      return namespaceFault(target, `no permission for the namespace \`${target.namespace}\`: ${cause.details}`);
    case grpc.exhausted:
      return new SlipwayError(
        { code: 'E_TEMPORAL_BUSY', where: target.address, message: cause.details, fix: 'Try again in a moment.' },
        exitCodes.temporary,
      );
    default:
      return new SlipwayError(
        {
          code: 'E_TEMPORAL',
          where: target.address,
          message: `Temporal refused the call: ${cause.details}`,
          fix: 'Run `slipway doctor`.',
        },
        exitCodes.unavailable,
      );
  }
}

export function unreachable(target: Target, why: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TEMPORAL_UNREACHABLE',
      where: target.address,
      message: `Temporal does not answer at ${target.address}${why === '' ? '' : ` (${why})`}`,
      fix: 'Start the local stack with `slipway up`, or give the address of a running server with --address.',
    },
    exitCodes.unavailable,
  );
}

/** The server answers, but not this call. */
export function stalled(target: Target): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_TEMPORAL_UNREACHABLE',
      where: target.address,
      message: `Temporal at ${target.address} runs, but did not carry out the call in time`,
      fix: 'See its log: its disk may be full, or its database away. Then repeat the command, a start with the same --run-key.',
    },
    exitCodes.unavailable,
  );
}

function namespaceFault(target: Target, message: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_NAMESPACE',
      where: target.address,
      message,
      fix: 'Name an existing one in slipway.config.ts; starting and reading runs needs write access to it.',
    },
    exitCodes.permission,
  );
}

export function runUnknown(run: string): SlipwayError {
  return new SlipwayError(
    { code: 'E_RUN_UNKNOWN', where: run, message: 'no run of that id', fix: 'List the runs with `slipway ls`.' },
    exitCodes.data,
  );
}
