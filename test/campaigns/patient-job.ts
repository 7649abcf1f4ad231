import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploy } from '../../operations/deploy.js';
import type { NamespaceProject } from '../e2e/versioned-project.js';

const pipeline = (ledger: string) => `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
const Job = z.strictObject({ name: z.string(), seconds: z.number() });
export default definePipeline('patient', { params: Job }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', {
    trainer: trainers.process({ run: 'sh train.sh', folder: 'trainers/patient' }),
    data, cache: false, params: { name: params.name, seconds: params.seconds, ledger: ${JSON.stringify(ledger)} },
  });
});
`;
/** Says that it began, works for a while, and does not end before it is told. */
const trainer = `echo "$SM_HP_NAME" >> "$SM_HP_LEDGER"
sleep "$SM_HP_SECONDS"
while [ ! -e "$SM_HP_LEDGER.go" ] && [ ! -e "$SM_HP_LEDGER.$SM_HP_NAME.go" ]; do sleep 0.1; done
echo weights > "$SM_MODEL_DIR/model.txt"
echo '{}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
echo "$SM_HP_NAME" >> "$SM_HP_LEDGER.ended"
`;

/** Jobs that end when they are told. */
export interface PatientJobs {
  /** The names of the jobs that began, in order; a name for each time. */
  begun(): string[];
  /** The same of those that did all their work. */
  ended(): string[];
  /** Lets the job of this name end, absent: every job. */
  letGo(name?: string): void;
}

/** Deploys the pipeline `patient`; its runs take the params `name`, and `seconds` that its job works for in any case. */
export async function deployPatient({ root, environment }: NamespaceProject): Promise<PatientJobs> {
  const ledger = join(root, 'ledger');
  mkdirSync(join(root, 'trainers/patient'), { recursive: true });
  writeFileSync(join(root, 'trainers/patient/train.sh'), trainer);
  writeFileSync(join(root, 'pipelines/patient.ts'), pipeline(ledger));
  const files = ['pipelines/patient.ts'];
  await deploy({ root, environment, env: process.env, files, by: 'test', onProgress: () => undefined });
  return {
    begun: () => linesOf(ledger),
    ended: () => linesOf(`${ledger}.ended`),
    letGo: (name) => writeFileSync(name === undefined ? `${ledger}.go` : `${ledger}.${name}.go`, ''),
  };
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
