import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunDetails, SlipwayClient } from '../../client/index.js';
import { connect, viewRun } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { prepareFolder } from '../../operations/demo/folder.js';
import { deploy } from '../../operations/deploy.js';
import { openProject } from '../../operations/project.js';
import { down, up } from '../../stack/index.js';
import { ensureParts, projectRoot } from '../stack-fixture.js';

export interface EndToEndProject {
  root: string;
  environment: Environment;
  client: SlipwayClient;
  close(): Promise<void>;
}

const onProgress = (): void => undefined;

/**
 * The whole stack with a worker, and one pipeline deployed to the environment. Files that run side by side share both: each takes
 * pipelines, models and services of its own, and stops no server.
 */
export async function openEndToEndProject(
  pipeline: string,
  environment: 'demo' | 'dev' = 'demo',
): Promise<EndToEndProject> {
  await ensureParts();
  return openIn(projectRoot, [`${pipeline}.ts`], environment);
}

/** The same with a stack that no other file uses, for tests that stop servers; `pipelines`: its files and their texts. */
export async function openProjectWithOwnStack(
  name: string,
  pipelines: Record<string, string>,
): Promise<EndToEndProject> {
  const root = await prepareFolder(resolve(import.meta.dirname, '../..'), name, onProgress);
  for (const [file, text] of Object.entries(pipelines)) await writeFile(join(root, 'pipelines', file), text);
  await up({ root, env: process.env, onProgress });
  const project = await openIn(root, Object.keys(pipelines), 'demo');
  return {
    ...project,
    close: async () => {
      await project.close();
      await down({ root, onProgress });
    },
  };
}

async function openIn(root: string, pipelines: string[], name: string): Promise<EndToEndProject> {
  const env = process.env;
  const { environment } = await openProject({ root, cwd: root, environment: name, env });
  await deploy({ root, environment, env, files: pipelines.map((file) => `pipelines/${file}`), by: 'test', onProgress });
  const client = await connect(environment.temporal);
  return { root, environment, client, close: () => client.close() };
}

/** Looks at a run until it is as wanted; what it says last is in the failure when it ends otherwise. */
export async function runUntil(
  client: SlipwayClient,
  workflowId: string,
  wanted: (run: RunDetails) => boolean,
): Promise<RunDetails> {
  for (;;) {
    const run = await viewRun(client, workflowId);
    if (wanted(run)) return run;
    if (run.state === 'closed') throw new Error(`${workflowId} ended ${run.outcome ?? ''}: ${run.reason ?? ''}`);
    await sleep(100);
  }
}
