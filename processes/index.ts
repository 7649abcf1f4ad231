export { baseEnvironment } from './base-environment.js';
export { endGroup, endMarked } from './end-group.js';
export { freePort } from './free-port.js';
export { tryMachineLock, withMachineLock } from './machine-lock.js';
export { memoryOf } from './members.js';
export { isAlive, markerVariable, type ProcessRecord, readRecord } from './process-record.js';
export { recordOf } from './record-of.js';
export { startDetached, type StartOptions } from './start-detached.js';
export { writeFileAtomic } from './write-file-atomic.js';
