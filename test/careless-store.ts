import type { Call, Fate } from './faulty-proxy.js';

const answer = (status: number, code: string): Fate => ({
  status,
  type: 'application/xml',
  body: status === 200 ? '' : `<Error><Code>${code}</Code></Error>`,
});

/** As a store answers that does not know `If-None-Match`: every write is taken. */
export function ignoring({ method, headers }: Call): Fate {
  return method === 'PUT' && headers['if-none-match'] !== undefined ? answer(200, '') : 'pass';
}

/** As a store answers that has the condition the wrong way round; `there`: whether the object is. */
export function inverting(there: () => boolean): (call: Call) => Fate {
  return ({ method, headers }) => {
    if (method !== 'PUT' || headers['if-none-match'] === undefined) return 'pass';
    return there() ? answer(200, '') : answer(412, 'PreconditionFailed');
  };
}
