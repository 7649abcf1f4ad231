import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const adapters = resolve(import.meta.dirname, '../../dist/adapters');

test.each([
  ['store/s3', { region: 'us-east-1', bucket: 'slipway' }],
  ['trainer/sagemaker', { region: 'us-east-1' }],
])('a process that opens %s warns of nothing', (adapter, options) => {
  const script = `
    const { connect } = await import(${JSON.stringify(join(adapters, adapter, 'connection.js'))});
    await connect(${JSON.stringify(options)}, { secret: () => '' });
    process.stdout.write('connected');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'connected', stderr: '' });
});
