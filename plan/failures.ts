/** Failure types on the wire: a PascalCase noun for each `E_…` code. */
const special: Record<string, string> = { E_TRAINER_CONTRACT: 'TrainerRejected', E_TRAINER_EXIT: 'TrainerFailed' };

/** `E_ARTIFACT_DIGEST` → `ArtifactDigest`. */
export function failureType(code: string): string {
  const known = special[code];
  if (known !== undefined) return known;
  return code
    .replace(/^E_/, '')
    .toLowerCase()
    .split('_')
    .map((w) => w.slice(0, 1).toUpperCase() + w.slice(1))
    .join('');
}

/** Code of the one failure that activities retry: the dependency may come back. */
export const unavailableCode = 'E_UNAVAILABLE';
/**
 * Codes after which a new stage attempt may help; every other failure ends the stage. Of a failed job its trainer
 * knows better: then a `transient` beside the code decides.
 */
export const newAttemptCodes: readonly string[] = [
  'E_TRAINER_EXIT',
  'E_TRAINER_LOST',
  'E_TRAINER_LIMIT',
  'E_DISK_FULL',
  'E_STORE',
  'E_TASK',
  'E_TASK_CRASH',
  'E_TASK_LIMIT',
  'E_STAGE_LIMIT',
];
/** Code of a job that does not begin because a budget is used up: people are asked. */
export const budgetCode = 'E_BUDGET';
/** Failure messages in history are cut to this many bytes. */
export const failureMessageLimit = 2_000;
