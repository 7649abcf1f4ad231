import { setTimeout as delay } from 'node:timers/promises';

import pLimit, { type LimitFunction } from 'p-limit';
import type { z } from 'zod';

import { exitCodes, SlipwayError } from '../../plan/errors.js';
import { withDeadline } from '../deadline.js';
import type { OpenContext } from '../open-context.js';
import { readAnswer } from './read-answer.js';

/** An MLflow server as registry and tracking reach it. */
export interface MlflowServer {
  uri: string;
  ui?: string | undefined;
  token?: string | undefined;
  timeoutMs: number;
}

/** MLflow's REST API, version 2.0. Every call has a deadline and follows no redirect. */
export interface MlflowApi {
  /** Address without a slash at its end, for links that people open. */
  readonly ui: string;
  /**
   * One request. `path` is below `/api/2.0/mlflow/`; parameters go into the query of a GET, else into the body.
   *
   * @throws MlflowRefusal when the server says no; SlipwayError `E_UNAVAILABLE` (75) when it cannot be reached,
   * `E_MLFLOW_ACCESS` without the right, `E_MLFLOW_ANSWER` when it is no MLflow that answers
   */
  call<T>(
    method: 'GET' | 'POST',
    path: string,
    parameters: object,
    answer: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T>;
}

const databaseConflict = /IntegrityError|UniqueViolation|DeadlockDetected|SerializationFailure|database is locked/;
const conflictTries = 6;
/**
 * Requests of this process to one server on their way at once. MLflow holds a connection to its database while it waits for a second one, as when
 * it creates a run: as many such requests as it has connections (15 by default) stall it for half a minute.
 */
const requestsAtOnce = 8;
const turns = new Map<string, LimitFunction>();

/** The server understood and said no; `errorCode` is MLflow's own, such as `RESOURCE_DOES_NOT_EXIST`. */
export class MlflowRefusal extends SlipwayError {
  readonly errorCode: string;
  constructor(errorCode: string, message: string, where: string) {
    super({
      code: 'E_MLFLOW_REFUSED',
      where,
      message: `${errorCode}: ${message}`,
      fix: 'Change what MLflow objects to; trying again does not help.',
    });
    this.errorCode = errorCode;
  }
}

export function isRefusal(error: unknown, errorCode: string): boolean {
  return error instanceof MlflowRefusal && error.errorCode === errorCode;
}

/** Opens the API of a server. Nothing is sent before the first call. */
export function openMlflowApi(server: MlflowServer, context: OpenContext): MlflowApi {
  const base = `${server.uri.replace(/\/+$/, '')}/api/2.0/mlflow/`;
  const inTurn = turns.get(base) ?? pLimit(requestsAtOnce);
  turns.set(base, inTurn);
  return {
    ui: (server.ui ?? server.uri).replace(/\/+$/, ''),
    async call(method, path, parameters, answer, signal) {
      const where = `${method} ${base}${path}`;
      const request = () => requestOf(method, `${base}${path}`, parameters, server, context);
      const response = await untilStored(() => inTurn(() => send(request(), server, where, signal)), where);
      const parsed = answer.safeParse(response);
      if (!parsed.success)
        throw noMlflow(
          where,
          `lacks what it must hold: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
        );
      return parsed.data;
    },
  };
}

/** Repeats a request that met another one in MLflow's database: nothing of it was written. */
async function untilStored(attempt: () => Promise<unknown>, where: string): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isDatabaseConflict(error)) throw error;
      if (tries === conflictTries) throw unavailable(where, `${tries} conflicts in its database in a row`);
    }
    await delay(20 * 2 ** tries * (0.5 + Math.random()));
  }
}

function isDatabaseConflict(error: unknown): boolean {
  // "Already exists" is an answer, though it may quote the database.
  return (
    error instanceof MlflowRefusal &&
    error.errorCode !== 'RESOURCE_ALREADY_EXISTS' &&
    databaseConflict.test(error.message)
  );
}

function requestOf(
  method: 'GET' | 'POST',
  address: string,
  parameters: object,
  server: MlflowServer,
  context: OpenContext,
): Request {
  const url = new URL(address);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (server.token !== undefined) headers['authorization'] = `Bearer ${context.secret(server.token)}`;
  if (method === 'GET') {
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
    return new Request(url, { headers, redirect: 'manual' });
  }
  headers['content-type'] = 'application/json';
  return new Request(url, { method: 'POST', headers, redirect: 'manual', body: JSON.stringify(parameters) });
}

async function send(
  request: Request,
  { timeoutMs, token }: MlflowServer,
  where: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return await withDeadline(timeoutMs, signal, async (limit) => {
    try {
      const response = await fetch(request, { signal: limit });
      const answer = await readAnswer(response);
      if (response.ok && answer.json !== undefined) return answer.json;
      throw refusal(response.status, answer, where, token);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SlipwayError) throw error;
      const cause = (error as Error).cause as { code?: string } | undefined;
      throw unavailable(
        where,
        limit.aborted ? `no answer within ${timeoutMs} ms` : `${cause?.code ?? (error as Error).message}`,
      );
    }
  });
}

function refusal(
  status: number,
  answer: { json?: unknown; problem?: string },
  where: string,
  token: string | undefined,
): SlipwayError {
  if (status >= 500 || status === 429 || status === 408) return unavailable(where, `HTTP ${status}`);
  if (status === 401 || status === 403) {
    return new SlipwayError(
      {
        code: 'E_MLFLOW_ACCESS',
        where,
        message: `HTTP ${status}`,
        fix:
          token === undefined
            ? 'Give the adapter a `token`; none was sent.'
            : `Check the token of ${token} and its rights in MLflow.`,
      },
      exitCodes.permission,
    );
  }
  const { error_code: errorCode, message } = (answer.json ?? {}) as { error_code?: unknown; message?: unknown };
  if (typeof errorCode === 'string' && status >= 400) {
    return new MlflowRefusal(errorCode, typeof message === 'string' ? message.slice(0, 500) : '', where);
  }
  return noMlflow(where, answer.problem ?? `has HTTP status ${status}`);
}

function unavailable(where: string, why: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_UNAVAILABLE',
      where,
      message: `MLflow gave no usable answer: ${why}`,
      fix: 'The same call may succeed later; see whether the server is up.',
    },
    exitCodes.temporary,
  );
}

function noMlflow(where: string, fault: string): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_MLFLOW_ANSWER',
      where,
      message: `the answer ${fault}`,
      fix: 'Check that the address is that of an MLflow server, version 3 or later.',
    },
    exitCodes.configuration,
  );
}
