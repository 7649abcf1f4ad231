import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CompletePlan, RecordedPlan } from '../authoring/loading/index.js';
import { completePlan, findPipelines, loadPipelines } from '../authoring/loading/index.js';
import type { Fault } from '../plan/errors.js';
import { SlipwayError, unknownName } from '../plan/errors.js';

/** Which files hold the definitions. */
export interface Files {
  /** Absolute, relative to `cwd`, or else to the project folder. Default: all below `pipelines/`. */
  files?: readonly string[] | undefined;
  /** Where who names the files stands: a file of that name there goes before one of the project folder. Default: the project folder. */
  cwd?: string | undefined;
  /** They may lie outside the project folder. Default false. */
  allowOutside?: boolean | undefined;
}

/** A pipeline definition and the file that holds it, relative to the project folder. */
export interface Definition {
  file: string;
  recorded: RecordedPlan;
}

/**
 * Records the definitions of files, or of all pipeline files of the project.
 * Throws every fault of every file at once; two pipelines of one name are a fault too.
 */
export async function loadDefinitions(root: string, from: Files = {}): Promise<Definition[]> {
  const { definitions, faults } = await readDefinitions(root, from);
  if (faults.length > 0) throw new SlipwayError(faults);
  return definitions;
}

/** The same, faults as a value. */
export async function readDefinitions(
  root: string,
  { files, cwd = root, allowOutside }: Files = {},
): Promise<{ definitions: Definition[]; faults: Fault[] }> {
  const fromHere = (file: string): string =>
    existsSync(resolve(cwd, file)) ? resolve(cwd, file) : resolve(root, file);
  const chosen = files === undefined ? await findPipelines(root) : files.map(fromHere);
  const results = await loadPipelines({ root, files: chosen, allowOutside });
  const definitions = results.flatMap(({ file, plans }) => plans.map((recorded) => ({ file, recorded })));
  return { definitions, faults: [...results.flatMap((r) => r.faults), ...duplicates(definitions)] };
}

function duplicates(definitions: readonly Definition[]): Fault[] {
  const first = new Map<string, string>();
  return definitions.flatMap(({ file, recorded }) => {
    const other = first.get(recorded.pipeline);
    first.set(recorded.pipeline, other ?? file);
    if (other === undefined) return [];
    const message = `the pipeline \`${recorded.pipeline}\` is also defined in ${other}`;
    return [{ code: 'E_DUP_ID', where: file, message, fix: 'Give one of them another name.' }];
  });
}

/** The definition of a name in the project, or undefined when the project has none of it. */
export async function findDefinition(root: string, pipeline: string): Promise<Definition | undefined> {
  const { definitions, faults } = await readDefinitions(root);
  const found = definitions.find((d) => d.recorded.pipeline === pipeline);
  if (found === undefined && faults.length > 0) throw new SlipwayError(faults);
  return found;
}

/** Packs the code of definitions: plans with digests, nothing written. */
export async function completeAll(
  root: string,
  definitions: readonly Definition[],
  { allowOutside }: Pick<Files, 'allowOutside'> = {},
): Promise<CompletePlan[]> {
  return Promise.all(definitions.map(({ recorded }) => completePlan(recorded, root, { allowOutside })));
}

export function unknownPipeline(name: string, known: readonly string[]): SlipwayError {
  return new SlipwayError({
    code: 'E_PIPELINE_UNKNOWN',
    message: unknownName('pipeline', name, known),
    fix: 'Name one of them, or define it in pipelines/ and deploy it.',
  });
}
