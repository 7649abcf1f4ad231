import { describe, expect, it, vi } from 'vitest';
import { chain, patience, untilCancelled } from './scripted-world.js';
import { testServer, type Started } from './test-server.js';

const server = testServer();
const graph = chain({ verb: 'train' }, { verb: 'register' });
const news = { stage: 'train', attempt: 1, numbers: { epoch: 3, loss: 0.21349 }, at: '2026-01-01T14:32:10.000Z' };
const noteOf = async ({ view }: Started) => (await view()).stages.find((s) => s.id === 'train')?.note;

describe('the progress of a job', () => {
  it('stands beside its stage, in the answer to the query and in the current details', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await server.withRun({ graph, working: () => released, unordered: true }, async (run) => {
      await vi.waitFor(() => expect(run.world.journal).toEqual(['train attempt 1']), patience);
      expect(await noteOf(run)).toBeNull();
      await run.handle.signal('progress', { ...news, numbers: { epoch: 1, loss: 1 } });
      await vi.waitFor(async () => expect(await noteOf(run)).toBe('epoch 1, loss 1 at 14:32:10 UTC'), patience);
      await run.handle.signal('progress', news);
      await vi.waitFor(async () => expect(await noteOf(run)).toBe('epoch 3, loss 0.2135 at 14:32:10 UTC'), patience);
      const metadata = await run.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      expect(metadata.currentDetails).toContain('epoch 3, loss 0.2135');
      release();
      expect((await run.result).outcome).toBe('completed');
    });
  });

  it.each([
    ['nothing', undefined],
    ['of another stage', { ...news, stage: 'trainn' }],
    ['of a stage that does not run', { ...news, stage: 'register' }],
    ['of an attempt that is over', { ...news, attempt: 2 }],
    ['without numbers', { ...news, numbers: {} }],
    ['of texts', { ...news, numbers: { epoch: '<b>3</b>' } }],
    ['a list', { ...news, numbers: [1] }],
  ])('is passed over when it is %s', async (_, payload) => {
    const training = () => untilCancelled(() => undefined);
    await server.withRun({ graph, working: training, unordered: true }, async (run) => {
      await vi.waitFor(() => expect(run.world.journal).toEqual(['train attempt 1']), patience);
      await run.handle.signal('progress', ...(payload === undefined ? [] : [payload]));
      expect(await noteOf(run)).toBeNull();
      await run.cancel();
      await expect(run.result).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    });
  });
});
