export { testServerPath } from './binaries.js';
export { doctor } from './doctor.js';
export { down } from './down.js';
export { assertEnvironment, checkEnvironment, type Environment, observeEnvironment } from './environment.js';
export { portNames } from './parts/index.js';
export { requirementsFile } from './paths.js';
export { ensurePython, pythonPathFor, type PythonOptions } from './python.js';
export { startPart, stopPart } from './restart.js';
export { readState } from './state.js';
export { status } from './status.js';
export {
  type Check,
  type Env,
  type OnProgress,
  type PartName,
  type PartState,
  type PartStatus,
  type ProgressEvent,
  type StackState,
  type UpOptions,
} from './types.js';
export { up } from './up.js';
export { partNames } from '../plan/stack-parts.js';
