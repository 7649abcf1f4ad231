import type { Command } from 'commander';
import type { ProjectOptions } from '../operations/project.js';
import type { SlipwayClient } from '../client/index.js';
import type { Project } from '../operations/project.js';
import type { ExitCode } from '../plan/errors.js';
import { Output } from './output.js';
import type { Sink } from './output.js';
import { withoutUndefined } from '../plan/json.js';

/** Where a command line runs. */
export interface Io {
  stdout: Sink;
  stderr: Sink;
  cwd: string;
  env: Record<string, string | undefined>;
  /** Aborted by the first Ctrl-C; who never asks for it is ended by that Ctrl-C. */
  signal(): AbortSignal;
}

/** Flags that every command takes. */
export interface GlobalFlags {
  env?: string;
  json?: boolean;
  debug?: boolean;
  address?: string;
  root?: string;
}

/** What a command gets besides its own arguments. */
export interface CommandContext {
  out: Output;
  env: Io['env'];
  /** Where who types stands. */
  cwd: string;
  /** Aborted by the first Ctrl-C; who never asks for it is ended by that Ctrl-C. */
  signal(): AbortSignal;
  /** What `--env` names, if it was given. */
  environment: string | undefined;
  /** The project folder. */
  root(): Promise<string>;
  /** The project with its configuration and the chosen environment. */
  project(): Promise<Project>;
  /** Runs with a connection to the environment's Temporal, closed afterwards. */
  withClient<T>(project: Project, work: (client: SlipwayClient) => Promise<T>): Promise<T>;
}

/** A command's work: answers its exit code, nothing for 0. */
export type Work = (
  context: CommandContext,
  args: unknown[],
  flags: Record<string, unknown>,
) => Promise<ExitCode | undefined>;

export interface Cli {
  program: Command;
  /** Makes a commander action of a command's work. */
  run(work: Work): (...all: unknown[]) => Promise<void>;
}

export function makeContext(io: Io, flags: GlobalFlags): CommandContext {
  const options: ProjectOptions = {
    cwd: io.cwd,
    env: io.env,
    ...withoutUndefined({ root: flags.root, environment: flags.env, address: flags.address }),
  };
  return {
    out: new Output({ stdout: io.stdout, stderr: io.stderr, env: io.env, json: flags.json === true }),
    env: io.env,
    cwd: io.cwd,
    signal: io.signal,
    environment: flags.env,
    async root() {
      const { projectRoot } = await import('../operations/project.js');
      return projectRoot(options);
    },
    async project() {
      if (flags.address !== undefined) (await import('../client/index.js')).checkAddress(flags.address);
      const { openProject } = await import('../operations/project.js');
      return openProject(options);
    },
    async withClient(project, work) {
      const { connect } = await import('../client/index.js');
      const client = await connect(project.environment.temporal);
      try {
        return await work(client);
      } finally {
        await client.close();
      }
    },
  };
}
