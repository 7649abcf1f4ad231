import { canary, definePipeline, requestErrors, trainers } from 'slipway';
import { fakeModel, pipelineTester } from '../../testing/index.js';
import { median, timed } from './statistics.js';

/** Three days of waiting, as in a user's unit test. */
const released = definePipeline('released', {}, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:rows.csv' });
  const model = p.train('train', { trainer: trainers.process({ run: 'train' }), data });
  p.rollout('promote', {
    version: p.register('register', { model, as: 'released' }),
    strategy: canary({
      steps: [
        { weight: 10, hold: '1d' },
        { weight: 50, hold: '1d' },
      ],
      bake: '1d',
    }),
    analysis: [requestErrors({ max: 0.01 })],
  });
});

/** How long a unit test of that takes in a process that has run one before, in ms. */
export async function skippedCanary(): Promise<number> {
  const tester = await pipelineTester();
  const run = async (): Promise<void> => {
    const { outcome, weights } = await tester.run(released, {
      data: { snapshot: [{ text: 'light on' }, { text: 'light off' }] },
      trainers: { train: fakeModel({ metrics: { loss: 0.1 } }) },
      champions: { released: { scores: {} } },
    });
    if (outcome !== 'promoted' || weights.join() !== '10,50,100') throw new Error(`${outcome} by ${weights.join()}`);
  };
  try {
    const found: number[] = [];
    for (let n = 0; n < 6; n++) found.push(await timed(run));
    return median(found.slice(1));
  } finally {
    await tester.close();
  }
}
