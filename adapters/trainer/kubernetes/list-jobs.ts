import type { Ask } from './api.js';
import { isExpired, notKubernetes, ok } from './faults.js';
import { type KubernetesJob, parseJobs } from './objects.js';

/** Of one answer: with all that clusters write into a Job, so many fit into what is read of one. */
const most = 500;
/** Of one list; a server that never comes to an end is none. */
const mostParts = 1_000;

/**
 * All Jobs below `at` that `selector`, a part of a query, selects, in parts. A list takes so long that the server may
 * have forgotten its state by then: it begins anew, once.
 *
 * @throws SlipwayError what `Api` and `refusal` say; `E_UNAVAILABLE` when the list was forgotten twice
 */
export async function listJobs(ask: Ask, at: string, selector: string): Promise<KubernetesJob[]> {
  const first = `${at}?${selector}&limit=${most}`;
  let jobs: KubernetesJob[] = [];
  let path = first;
  let again = true;
  for (let parts = 0; parts < mostParts; parts += 1) {
    const answer = await ask({ method: 'GET', path });
    if (isExpired(answer) && again) {
      [jobs, path, again] = [[], first, false];
      continue;
    }
    const { items, metadata } = parseJobs(ok(answer, 'listing Jobs', at), at);
    jobs.push(...items);
    if (!metadata?.continue) return jobs;
    path = `${first}&continue=${encodeURIComponent(metadata.continue)}`;
  }
  throw notKubernetes(`a list of more than ${mostParts} parts`, at);
}
