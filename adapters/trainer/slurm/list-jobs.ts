import { belongsTo, ownerOfJob } from '../owner.js';
import type { JobOwner, OwnedJob } from '../port.js';
import { isEnding, isLiving, queueFailure } from './queue.js';
import { type LoginHost, runScript } from './shell.js';
import { parseJson } from '../../../plan/json.js';

/**
 * The jobs of an owner that Slurm has not ended. Slurm itself is told too little of them: a comment is short. Those that
 * were submitted from another `directory`, or by a release that wrote no such file, are passed over.
 */
export async function listJobs(host: LoginHost, directory: string, owner: JobOwner): Promise<OwnedJob[]> {
  const script = `
me=$(id -un)
known=$(squeue --noheader --all --user="$me" --format='%i|%T|%j'); asked=$?
section jobs
printf '%s\\n' "$known" | while IFS='|' read -r id state name; do
  job=\${name#slipway-}
  case "$name" in slipway-*) ;; *) continue ;; esac
  case "$job" in '' | *[!0-9a-f]*) continue ;; esac
  [ -f ${directory}/"$job"/identity.json ] || continue
  printf '%s|%s|%s|' "$id" "$state" "$job"
  head -c 8192 ${directory}/"$job"/identity.json
  echo
done
section asked
echo "$asked"`;
  const answer = await runScript(host, script);
  if (answer.text('asked') !== '0') throw queueFailure(answer);
  return answer
    .text('jobs')
    .split('\n')
    .flatMap(ownedJob)
    .filter((job) => belongsTo(job, owner));
}

function ownedJob(row: string): OwnedJob[] {
  const [, id = '', state = '', job = '', text = ''] = /^(\d+)\|([A-Z_]+)[^|]*\|([0-9a-f]{32})\|(.*)$/.exec(row) ?? [];
  const queued = { id, state, reason: '' };
  if (!isLiving(queued) && !isEnding(queued)) return [];
  const parsed = ownerOfJob.safeParse(parseJson(text));
  return parsed.success ? [{ job, ...parsed.data, ended: false, endWith: `scancel ${id}` }] : [];
}
