import type { Store } from '../../store/port.js';
import { belongsTo } from '../owner.js';
import type { JobOwner, OwnedJob } from '../port.js';
import type { Connection } from './connection.js';
import { sagemakerFault } from './faults.js';
import { documentOwner } from './job-document.js';
import { placesOf } from './places.js';
import { parseJson, withoutUndefined } from '../../../plan/json.js';

/** More of one account are not looked at. */
const mostPages = 20;
const mostBytes = 32 * 1024 * 1024;

/**
 * The jobs of an owner that SageMaker runs, by what their documents in this store say: tags are cut and cleaned. Jobs of
 * other stores and regions, and of a release that did not write it, are passed over.
 */
export async function listJobs(
  { sagemaker: { sdk, client }, keys }: Connection,
  store: Store,
  region: string,
  owner: JobOwner,
): Promise<OwnedJob[]> {
  const names: string[] = [];
  let next: string | undefined;
  for (let page = 0; page < mostPages && (page === 0 || next !== undefined); page++) {
    const request = { NameContains: 'slipway-', StatusEquals: 'InProgress' as const, MaxResults: 100 };
    const command = new sdk.ListTrainingJobsCommand({ ...request, ...withoutUndefined({ NextToken: next }) });
    const found = await client.send(command).catch((error: unknown) => {
      throw sagemakerFault(error, 'listing', 'training jobs', keys);
    });
    names.push(...(found.TrainingJobSummaries ?? []).flatMap(({ TrainingJobName: name }) => name ?? []));
    next = found.NextToken;
  }
  const jobs: OwnedJob[] = [];
  for (const job of names.filter((name) => /^slipway-[0-9a-f]{32}$/.test(name))) {
    const whose = await ownerOf(store, job);
    const endWith = `aws sagemaker stop-training-job --training-job-name ${job} --region ${region}`;
    if (whose !== undefined && belongsTo(whose, owner)) jobs.push({ job, ...whose, ended: false, endWith });
  }
  return jobs;
}

async function ownerOf(store: Store, job: string): Promise<Pick<OwnedJob, keyof JobOwner | 'attempt'> | undefined> {
  const stored = await store.read(placesOf(job).document, { limitBytes: mostBytes });
  if (stored === undefined) return undefined;
  return documentOwner.safeParse(parseJson(new TextDecoder().decode(stored.body))).data?.owner;
}
