import { CancellationScope, isCancellation } from '@temporalio/workflow';

/**
 * Waits through a cancellation of the run. `wait` may be called twice: a scope costs a run six promises, so one is opened only
 * when the run was cancelled.
 */
export async function regardless<T>(wait: () => Promise<T>): Promise<T> {
  if (!CancellationScope.current().consideredCancelled) {
    try {
      return await wait();
    } catch (error) {
      if (!isCancellation(error) || !CancellationScope.current().consideredCancelled) throw error;
    }
  }
  return await CancellationScope.nonCancellable(wait);
}
