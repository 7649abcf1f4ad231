/** Keys of the store, below which the adapter and the job's container write to each other. */
export function placesOf(name: string): { channel: string; document: string; state: string; artifacts: string } {
  const folder = `sagemaker/${name}/`;
  return {
    channel: `${folder}channel/`,
    document: `${folder}channel/job.json`,
    state: `${folder}state.json`,
    artifacts: `${folder}artifacts/`,
  };
}
