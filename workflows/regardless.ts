import { CancellationScope, isCancellation } from '@temporalio/workflow';

/**
 * Waits through a cancellation of the run. `wait` may be called twice: a scope costs a run six promises, so one is opened only
 * when the run was cancelled.
 */
export function regardless<T>(wait: () => Promise<T>): Promise<T> {
  const scope = CancellationScope.current();
  const again = () => CancellationScope.nonCancellable(wait);
  if (scope.consideredCancelled) return again();
  return wait().catch((error: unknown) => {
    if (isCancellation(error) && scope.consideredCancelled) return again();
    throw error;
  });
}
