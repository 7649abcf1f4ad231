import { realpath } from 'node:fs/promises';
import { SlipwayError } from '../../plan/errors.js';
import type { Fault } from '../../plan/errors.js';
import type { RecordedPlan } from '../compile.js';
import { formatPlace } from '../places.js';
import { foldersOf } from '../compile.js';
import { insideProject } from './inside-project.js';

/** Folders of code that a plan names but the project does not have, at the stages that name them. */
export async function folderFaults(plan: RecordedPlan, root: string): Promise<Fault[]> {
  const project = await realpath(root);
  const faults = await Promise.all(
    plan.stages.flatMap((stage) =>
      foldersOf(stage).map(async (folder): Promise<Fault[]> => {
        try {
          await insideProject(project, folder, { kind: 'folder' });
          return [];
        } catch (error) {
          if (!(error instanceof SlipwayError)) throw error;
          return error.faults.map((f) => ({
            ...f,
            where: formatPlace(stage.source),
            message: `stage \`${stage.id}\`, folder \`${folder}\` ${f.message}`,
          }));
        }
      }),
    ),
  );
  return faults.flat();
}
