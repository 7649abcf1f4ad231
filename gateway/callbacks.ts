import type { CallbackEndpoint } from '../config/callbacks.js';
import type { Call, Caller } from './access.js';
import { refusal } from './refusals.js';
import { checkedJson } from './strict-json.js';

/** The trainers that push, by the names in the path. */
export interface Endpoints {
  find(params: Record<string, string>): CallbackEndpoint | undefined;
  /** Is told what became of each message. */
  note(line: Record<string, string>): void;
}

export function endpointsOf(list: readonly CallbackEndpoint[], note: Endpoints['note']): Endpoints {
  const byName = new Map(list.map((endpoint) => [`${endpoint.environment}/${endpoint.trainer}`, endpoint]));
  return { find: ({ environment = '', trainer = '' }) => byName.get(`${environment}/${trainer}`), note };
}

/** Keeps what a trainer tells about a job; the same message again gets the same answer. */
export async function acceptCallback(
  endpoints: Endpoints,
  call: Call,
  caller: Caller,
): Promise<Record<string, unknown>> {
  const endpoint = endpoints.find(call.params);
  const id = caller.message;
  if (endpoint === undefined || id === null) throw refusal('E_SIG', 'the signature is not valid');
  const receipt = await endpoint.inbox.accept({
    id,
    body: checkedJson(call.body),
    receivedAt: new Date(call.nowMs).toISOString(),
  });
  const { environment, trainer } = endpoint;
  endpoints.note({ event: 'callback', environment, trainer, id, ...receipt });
  return { id, ...receipt };
}
