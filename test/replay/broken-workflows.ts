import { sleep } from '@temporalio/workflow';
import pipeline from '../../workflows/pipeline.js';

/** A build whose every run begins with a timer that no recorded history has. */
export default async function broken(input: Parameters<typeof pipeline>[0]): Promise<unknown> {
  await sleep(1_000);
  return await pipeline(input);
}
