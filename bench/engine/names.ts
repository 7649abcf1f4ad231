/** Queues of the baseline, apart from those of runs. */
export const bareQueues = { workflows: 'bare', jobs: 'bare-jobs' } as const;
