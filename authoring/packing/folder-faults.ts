import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError } from '../../plan/errors.js';
import type { Fault } from '../../plan/errors.js';
import type { RecordedPlan } from '../compile.js';
import { formatPlace } from '../places.js';
import { foldersOf } from '../compile.js';
import { show } from '../shapes.js';
import { insideProject } from './inside-project.js';
import { withoutHash } from './requirements.js';

/** What is wrong with the folders of code that a plan names, at the stages that name them: not there, or not to be installed. */
export async function folderFaults(plan: RecordedPlan, root: string): Promise<Fault[]> {
  const project = await realpath(root);
  const faults = await Promise.all(
    plan.stages.flatMap((stage) =>
      foldersOf(stage).map(async (folder): Promise<Fault[]> => {
        const found = await faultsOf(project, folder);
        return found.map((f) => ({
          ...f,
          where: formatPlace(stage.source),
          message: `stage \`${stage.id}\`, folder \`${folder}\` ${f.message}`,
        }));
      }),
    ),
  );
  return faults.flat();
}

async function faultsOf(project: string, folder: string): Promise<readonly Fault[]> {
  try {
    return await requirementFaults(await insideProject(project, folder, { kind: 'folder' }));
  } catch (error) {
    if (error instanceof SlipwayError) return error.faults;
    throw error;
  }
}

async function requirementFaults(folder: string): Promise<Fault[]> {
  const text = await readFile(join(folder, 'requirements.txt'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'EISDIR') return '';
    throw error;
  });
  const [first, ...more] = withoutHash(text);
  if (first === undefined) return [];
  const lines = more.length === 0 ? `${show(first)} has` : `${show(first)} and ${more.length} more have`;
  return [
    {
      code: 'E_REQUIREMENTS',
      message: `has a requirements.txt in which ${lines} no hash; every line needs one`,
      fix: 'Keep what you write in requirements.in, then: uv pip compile --generate-hashes requirements.in -o requirements.txt',
    },
  ];
}
