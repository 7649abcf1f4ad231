import { bundleWorkflowCode, type Logger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/**
 * Bundles workflow code for the sandbox. No module of ours keeps anything between runs, so all runs of a worker share
 * them: one cached run then holds its state only. Modules are joined, which takes less room.
 */
export async function bundleWorkflows(workflowsPath: string, logger: Logger): Promise<WorkflowBundleWithSourceMap> {
  return await bundleWorkflowCode({
    workflowsPath,
    logger,
    preloadModules: [workflowsPath],
    webpackConfigHook: (config) => ({
      ...config,
      optimization: { ...config.optimization, concatenateModules: true, providedExports: true, usedExports: true },
    }),
  });
}
