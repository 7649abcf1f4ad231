// A worker process with some work in it (`name` or `name!`, which runs alone), until it is killed by itself.
import { Deaths } from '../../dist/workers/deaths.js';

const [folder, ...names] = process.argv.slice(2);
const deaths = await Deaths.open(folder);
for (const name of names) {
  const end = deaths.begin({ id: name.replace(/[!.]$/, ''), alone: name.endsWith('!') });
  if (name.endsWith('.')) end();
}
process.kill(process.pid, 'SIGKILL');
