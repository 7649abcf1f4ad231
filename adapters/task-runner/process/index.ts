import { resolve } from 'node:path';

import type { OpenContext } from '../../open-context.js';
import type { Store } from '../../store/port.js';
import type { TaskRunner } from '../port.js';
import { codeFile } from './code-file.js';
import { TaskHost } from './host.js';
import type { ProcessTasksOptions } from './options.js';
import { HostPool } from './pool.js';

/** Opens the runner that keeps warm processes beside the worker: a file is loaded once per process, not once per task. */
export function openProcessTasks(options: ProcessTasksOptions, context: OpenContext, store: Store): TaskRunner {
  const directory = resolve(context.root, options.directory);
  const { processes, processesPerFile, idleSeconds, memoryMb } = options;
  const pool = new HostPool({ processes, processesPerFile, idleMs: idleSeconds * 1_000 });
  return {
    async run(work, signal) {
      const { code, pipeline } = work;
      const start = async () =>
        TaskHost.start({ file: await codeFile(store, directory, code), pipeline, directory, memoryMb });
      return await pool.with(`${code.sha256}/${pipeline}`, start, (host) => host.run(work, signal), signal);
    },
    close: () => pool.close(),
  };
}
