/**
 * Stands for the model server of the sweep: the same adapter starts it with the same arguments, but it is there in a tenth of a
 * second. It loads nothing; it says which version and which bytes lie in its folder.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const text = { type: 'string' };
const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '-m' && word !== 'slipway_serving'),
  options: { directory: text, port: text, 'metrics-port': text },
});
const { version } = JSON.parse(readFileSync(`${values.directory}/serving.json`, 'utf8'));
const file = readdirSync(values.directory).find((name) => /^model\.[^/]+$/.test(name) && name !== 'model.json');
const sha256 = createHash('sha256')
  .update(readFileSync(`${values.directory}/${file}`))
  .digest('hex');

const answer = createServer((request, response) => {
  request.resume();
  response.setHeader('x-model-version', version).setHeader('x-model-digest', sha256);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ parameters: { version, sha256 }, outputs: [] }));
});
answer.listen(Number(values.port), '127.0.0.1');
createServer((_request, response) => response.end('')).listen(Number(values['metrics-port']), '127.0.0.1');
