import { NamespaceNotFoundError, ServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { checkAddress, checkRunKey, newRunKey } from '../../client/index.js';
import { toSlipwayError } from '../../client/failures.js';
import { listQuery } from '../../client/runs.js';
import { isRunKey } from '../../plan/names.js';

describe('an address', () => {
  test.each(['127.0.0.1:7233', 'localhost', '[::1]:7233', 'temporal.example.com:443'])('%s is accepted', (address) => {
    expect(checkAddress(address)).toBe(address);
  });

  test.each([
    'http://[::1',
    '127.0.0.1:99999',
    '127.0.0.1:0',
    'temporal://',
    '',
    'a b:1',
    '[::1',
    ':7233',
    'host:port',
    'a:1:2',
  ])('%j is refused as wrong usage', (address) => {
    expect(() => checkAddress(address)).toThrow(expect.objectContaining({ code: 'E_ADDRESS', exitCode: 2 }) as Error);
  });
});

describe('a run key', () => {
  test.each(['../../etc', '', 'a'.repeat(201), 'a\nb', 'a\0b', '-x'])('%j is refused', (key) => {
    expect(() => checkRunKey(key)).toThrow(expect.objectContaining({ code: 'E_ID', exitCode: 65 }) as Error);
  });

  test('that is made is a good one, and never the same', () => {
    expect(isRunKey(newRunKey())).toBe(true);
    expect(newRunKey()).not.toBe(newRunKey());
  });
});

describe('the query of a list', () => {
  test('leaves rollouts out and joins what is asked for', () => {
    expect(listQuery({ pipeline: 'iris', state: 'waiting-approval', environment: 'dev' })).toBe(
      'WorkflowType != "rollout" AND WorkflowType != "eachPart" AND WorkflowType = "iris" AND Environment = "dev" AND ExecutionStatus = "Running" AND AwaitingApproval = true',
    );
  });

  test('narrows to a plan, a model version and a time', () => {
    expect(listQuery({ plan: 'abc123', model: 'intents/3', since: '2026-11-21T10:00:00.000Z' })).toContain(
      'PlanDigest STARTS_WITH "abc123" AND ModelVersion = "intents/3" AND StartTime >= "2026-11-21T10:00:00.000Z"',
    );
  });

  test('keeps its shape whatever a name holds', () => {
    expect(listQuery({ pipeline: 'x" OR WorkflowType = "y\\' })).toBe(
      'WorkflowType != "rollout" AND WorkflowType != "eachPart" AND WorkflowType = "x\\" OR WorkflowType = \\"y\\\\"',
    );
  });

  test('refuses an unknown state and lists the known ones', () => {
    expect(() => listQuery({ state: 'waiting' })).toThrow(
      /unknown state `waiting`: known are running, waiting-approval, completed/,
    );
  });
});

describe('what Temporal answers', () => {
  const target = { address: '127.0.0.1:7233', namespace: 'prod' };
  const grpc = (code: number, details: string) => {
    const cause = Object.assign(new Error(details), { code, details, metadata: {} });
    return toSlipwayError(new ServiceError('failed', { cause }), target);
  };

  test.each([
    [14, 'E_TEMPORAL_UNREACHABLE', 69],
    [4, 'E_TEMPORAL_UNREACHABLE', 69],
    [7, 'E_NAMESPACE', 77],
    [16, 'E_NAMESPACE', 77],
    [8, 'E_TEMPORAL_BUSY', 75],
    [3, 'E_TEMPORAL', 69],
  ])('as gRPC status %i is told as %s', (code, ours, exitCode) => {
    expect(grpc(code, 'why')).toMatchObject({ code: ours, exitCode });
  });

  test('about a missing namespace names it', () => {
    expect(toSlipwayError(new NamespaceNotFoundError('prod'), target)).toMatchObject({
      code: 'E_NAMESPACE',
      exitCode: 77,
      message: expect.stringContaining('`prod`') as string,
    });
  });

  test('about a missing run says how to list the runs', () => {
    const error = new WorkflowNotFoundError('not found', 'dev:iris:1', undefined);
    expect(toSlipwayError(error, target)).toMatchObject({
      code: 'E_RUN_UNKNOWN',
      message: expect.stringContaining('slipway ls') as string,
    });
  });

  test('as an unreachable server names the address and how to start one', () => {
    expect((grpc(14, 'refused') as Error).message).toMatch(/127\.0\.0\.1:7233[\s\S]*slipway up/);
  });
});
