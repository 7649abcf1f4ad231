import { changedBytes, doubleApproval, lateMessage, neverReturns } from './directed.js';
import { killAt, type Schedule } from './schedule.js';
import type { Patch } from './worker-build.js';

/** A bug put into a copy of the build. The harness is awake only when the schedule then shows a violation. */
export interface PlantedBug {
  name: string;
  patches: Patch[];
  schedule: Schedule;
  /** Begins the violations that prove it. */
  row: string;
  /** It lives in the router agent, which all lanes share. Default false. */
  inAgent?: boolean;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'no search before a version is created',
    patches: [
      {
        file: 'adapters/registry/mlflow/register.js',
        find: 'let found = await versionsOfKey(api, name, key, signal);',
        put: 'let found = [];',
      },
    ],
    schedule: killAt({ operation: 'mlflow POST model-versions/create', nth: 1 }, 'after'),
    row: 'I-01',
  },
  {
    name: 'the lease never ends',
    patches: [
      {
        file: 'activities/set-traffic.js',
        find: 'Date.now() + input.leaseTtlMs',
        put: 'Date.now() + 86_400_000',
      },
    ],
    schedule: neverReturns,
    row: 'I-05',
  },
  {
    name: 'digests are not compared',
    patches: [
      {
        file: 'adapters/store/s3/download.js',
        find: /\n {8}if \(actual\.sha256 !== ref\.sha256 \|\| actual\.bytes !== ref\.bytes\)/,
        put: '\n        if (false)',
      },
    ],
    schedule: changedBytes,
    row: 'I-36',
  },
  {
    name: 'an approval is good for any gate, and as often as it came',
    patches: [
      { file: 'workflows/decisions.js', find: '(d.stage ?? stage) === stage', put: 'true' },
      { file: 'workflows/decisions.js', find: "if (d.status === 'kept' && d.stage === stage)", put: 'if (false)' },
    ],
    schedule: doubleApproval,
    row: 'I-65',
  },
  {
    name: 'older epochs are accepted',
    patches: [{ file: 'agents/router/lease.js', find: 'route.epoch < held.route.epoch', put: 'false' }],
    schedule: lateMessage,
    row: 'I-09',
    inAgent: true,
  },
  {
    name: 'the key of a job is another each time',
    patches: [
      {
        file: 'activities/stage-job.js',
        find: 'const key = idempotencyKey(call, purpose);',
        put: 'const key = idempotencyKey({ ...call, attempt: Math.random() }, purpose);',
      },
    ],
    schedule: killAt({ operation: 'job PUT jobs/*/model/model.safetensors', nth: 1 }, 'before'),
    row: 'I-02',
  },
];
