import { Command } from 'commander';
import { exitCodes } from '../plan/errors.js';
import type { Cli, GlobalFlags, Io, Work } from './cli.js';
import { makeContext } from './cli.js';
import { addApprove } from './commands/approve.js';
import { addCancel } from './commands/cancel.js';
import { addCheckUpgrade } from './commands/check-upgrade.js';
import { addDemo } from './commands/demo.js';
import { addDeploy } from './commands/deploy.js';
import { addDescribe } from './commands/describe.js';
import { addDev } from './commands/dev.js';
import { addDoctor } from './commands/doctor.js';
import { addDown } from './commands/down.js';
import { addHistory } from './commands/history.js';
import { addGc } from './commands/gc.js';
import { addGateway } from './commands/gateway.js';
import { addLogs } from './commands/logs.js';
import { addLs } from './commands/ls.js';
import { addMove } from './commands/move.js';
import { addPlan } from './commands/plan.js';
import { addQueue } from './commands/queue.js';
import { addReject } from './commands/reject.js';
import { addReport } from './commands/report.js';
import { addRerun } from './commands/rerun.js';
import { addRun } from './commands/run.js';
import { addSchedule } from './commands/schedule.js';
import { addStatus } from './commands/status.js';
import { addUp } from './commands/up.js';
import { addValidate } from './commands/validate.js';
import { addVerifyServing } from './commands/verify-serving.js';
import { addWatch } from './commands/watch.js';
import { addWorker } from './commands/worker.js';
import { allCommands, watchFlags } from './usage.js';

/** The whole command line; `onExit` hears the exit code of the command that ran. */
export function makeProgram(io: Io, version: string, onExit: (code: number) => void): Command {
  const program = new Command('slipway');
  const cli: Cli = { program, run: (work) => action(work, io, onExit) };
  program
    .description('Takes a model from data to full traffic, and brings it back when it misbehaves.')
    .version(version, '--version', 'print the version')
    .option('--env <name>', 'environment of slipway.config.ts (default: its defaultEnvironment)')
    .option('--json', 'print facts as JSON (schemas: docs/schemas)')
    .option('--debug', 'print stack traces of errors')
    .option('--address <host:port>', "Temporal's address instead of the configured one")
    .option('--root <folder>', 'project folder (default: the nearest with a slipway.config.ts)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined,
    })
    .showSuggestionAfterError(false)
    .helpCommand(false)
    .exitOverride();
  const commands = [
    addValidate,
    addPlan,
    addDeploy,
    addRun,
    addRerun,
    addStatus,
    addWatch,
    addLogs,
    addLs,
    addQueue,
    addDescribe,
    addHistory,
    addApprove,
    addReject,
    addCancel,
    addSchedule,
    addVerifyServing,
    addReport,
    addCheckUpgrade,
    addMove,
    addWorker,
    addGateway,
    addUp,
    addDown,
    addDoctor,
    addGc,
    addDev,
    addDemo,
  ];
  for (const add of commands) add(cli);
  for (const command of allCommands(program)) watchFlags(command);
  return program;
}

function action(work: Work, io: Io, onExit: (code: number) => void): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const context = makeContext(io, command.optsWithGlobals<GlobalFlags>());
    onExit((await work(context, all.slice(0, -2), command.opts())) ?? exitCodes.ok);
  };
}
