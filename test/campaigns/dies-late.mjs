// Loaded into a worker before anything else: it dies so many seconds after it has begun to read a file named late.csv.
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const read = fs.readFile;
fs.readFile = async (file, ...options) => {
  if (String(file).endsWith('late.csv')) {
    await sleep(Number(env.DIES_AFTER_SECONDS) * 1_000);
    process.abort();
  }
  return read(file, ...options);
};
syncBuiltinESMExports();
