import { setTimeout as sleep } from 'node:timers/promises';
import type { RunDetails, SlipwayClient } from '../../client/index.js';
import { connect, viewRun } from '../../client/index.js';
import type { Environment } from '../../config/open.js';
import { deploy } from '../../operations/deploy.js';
import { openProject } from '../../operations/project.js';
import { up } from '../../stack/index.js';
import { projectRoot } from './project-setup.js';

export interface EndToEndProject {
  root: string;
  environment: Environment;
  client: SlipwayClient;
  close(): Promise<void>;
}

/** The whole stack with a worker, and one pipeline deployed to the environment `demo`. Files share it: each takes a pipeline of its own. */
export async function openEndToEndProject(pipeline: string): Promise<EndToEndProject> {
  const root = projectRoot;
  const onProgress = (): void => undefined;
  const env = process.env;
  await up({ root, env, onProgress });
  const { environment } = await openProject({ root, cwd: root, environment: 'demo', env });
  await deploy({ root, environment, env, files: [`pipelines/${pipeline}.ts`], by: 'test', onProgress });
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
