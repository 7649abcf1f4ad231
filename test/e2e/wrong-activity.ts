import { proxyActivities } from '@temporalio/workflow';

/** A workflow of another build, so to say: it schedules an activity that our workers have no code for. */
export async function wrongActivity(): Promise<void> {
  const { trainModell } = proxyActivities<{ trainModell(): Promise<void> }>({
    taskQueue: 'jobs',
    startToCloseTimeout: '1m',
    retry: { initialInterval: '100ms' },
  });
  await trainModell();
}
