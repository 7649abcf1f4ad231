// A worker process with some work in it (`name`, `name!`, which runs alone, `name@90`, which began 90 s ago), until it is killed by itself.
import { Deaths } from '../../dist/workers/deaths.js';

const [folder, ...names] = process.argv.slice(2);
const deaths = await Deaths.open(folder);
for (const name of names) {
  const [, id, flag, age = '0'] = /^(.*?)([!.]?)(?:@(\d+))?$/.exec(name);
  const end = deaths.begin({ id, alone: flag === '!', since: Date.now() - Number(age) * 1_000 });
  if (flag === '.') end();
  // Told to stop: what ends it from now on is no death.
  if (id === 'SIGTERM') deaths.close();
}
process.kill(process.pid, 'SIGKILL');
