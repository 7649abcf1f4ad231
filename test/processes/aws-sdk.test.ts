import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const dist = resolve(import.meta.dirname, '../../dist');
const endsQuietly = (script: string): void => {
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', `${script} process.stdout.write('done');`], {
    encoding: 'utf8',
  });
  expect({ stdout: ran.stdout, stderr: ran.stderr }).toEqual({ stdout: 'done', stderr: '' });
};

test.each([
  ['store/s3', { region: 'us-east-1', bucket: 'slipway' }],
  ['trainer/sagemaker', { region: 'us-east-1' }],
])('a process that opens %s warns of nothing', (adapter, options) => {
  endsQuietly(`
    const { connect } = await import(${JSON.stringify(join(dist, 'adapters', adapter, 'connection.js'))});
    await connect(${JSON.stringify(options)}, { secret: () => '' });`);
});

test('a process that asks whether the local store is ready warns of nothing', () => {
  const context = { env: {}, state: { parts: { s3: { address: 'http://127.0.0.1:9' } } } };
  endsQuietly(`
    const { s3 } = await import(${JSON.stringify(join(dist, 'stack/parts/s3.js'))});
    await s3.isReady(${JSON.stringify(context)}).catch(() => undefined);`);
});
