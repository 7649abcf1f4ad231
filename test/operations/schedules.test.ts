import { beforeEach, describe, expect, test } from 'vitest';
import type { Environment } from '../../config/open.js';
import { encode, sha256 } from '../../operations/records.js';
import { draftOf, requestSchedule } from '../../operations/schedules.js';
import { keys } from '../../plan/names.js';
import { planFormat } from '../../plan/plan.js';
import { fakeStore } from '../../testing/fakes/store.js';

let environment: Environment;

beforeEach(async () => {
  const store = fakeStore();
  environment = { name: 'dev', ports: { store } } as unknown as Environment;
  const epochs = { type: 'integer', default: 3 };
  const params = { type: 'object', properties: { epochs, data: { type: 'string' } }, additionalProperties: false };
  const stored = encode({ format: planFormat, pipeline: 'iris', params: { ...params, required: ['data'] } });
  const plan = sha256(stored);
  await store.put(keys.plan(plan), stored);
  await store.replace(keys.deployed('dev', 'iris'), encode({ format: 1, plan }), undefined);
});

const refused = (error: unknown) => (error as { faults: { code: string; where: string }[] }).faults;

describe('a schedule that a person asks for', () => {
  test('gives its runs what was given, defaults left to the plan of their day', async () => {
    const request = await requestSchedule(environment, 'iris', { cron: ['0 3 * * 1'] }, ['data=file:a.csv']);
    expect(request).toMatchObject({ environment: 'dev', pipeline: 'iris', owner: 'person' });
    expect(request.schedule.params).toEqual({ data: 'file:a.csv' });
  });

  test('is refused now for what its runs would be refused for at night', async () => {
    const asked = requestSchedule(environment, 'iris', { cron: ['61 * * * *'] }, ['epochs=2']);
    expect(refused(await asked.catch((e: unknown) => e))).toMatchObject([
      { code: 'E_SCHEDULE', where: '61 * * * *' },
      { code: 'E_PARAM_MISSING', where: '/params/data' },
    ]);
    const typed = requestSchedule(environment, 'iris', { cron: ['0 3 * * 1'] }, ['data=x', 'epochs=many']);
    await expect(typed).rejects.toMatchObject({ code: 'E_PARAM_TYPE', exitCode: 65 });
  });

  test('needs a deployed pipeline', async () => {
    const asked = requestSchedule(environment, 'iriss', { cron: ['0 3 * * 1'] }, undefined);
    await expect(asked).rejects.toMatchObject({ code: 'E_NOT_DEPLOYED' });
  });

  test('is changed from what it is', async () => {
    const draft = { cron: ['0 3 * * 1'], timezone: 'Europe/Berlin', jitter: '5m', pauseOnFailure: true };
    const first = await requestSchedule(environment, 'iris', draft, ['data=x']);
    const same = await requestSchedule(environment, 'iris', draftOf(first.schedule), undefined);
    expect(same).toEqual(first);
  });
});
