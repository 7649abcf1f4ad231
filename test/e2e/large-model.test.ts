import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobManifest } from '../../adapters/trainer/port.js';
import type { RunDetails } from '../../client/index.js';
import { signalDecision, startRun } from '../../client/index.js';
import { keys } from '../../plan/names.js';
import { openEndToEndProject, runUntil } from './project.js';
import type { EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';

const megabyte = 1024 * 1024;

const pipeline = `import { definePipeline, evaluators, trainers } from 'slipway';
import { z } from 'zod';
const folder = 'trainers/bulk';
export default definePipeline('bulk', { params: z.strictObject({}) }, (p) => {
  const data = p.snapshot('snapshot', { from: 'file:bulk/rows.csv' });
  const model = p.train('train', { trainer: trainers.process({ run: 'python train.py', folder }), data });
  const version = p.register('register', { model, as: 'bulk' });
  const signed = p.approve('sign-off', { of: version, by: ['ml-leads'] });
  p.evaluate('read-again', {
    model,
    data,
    with: evaluators.process({ run: 'python evaluate.py', folder }),
    metrics: z.object({ bytes: z.number() }),
    after: signed,
  });
});
`;
/** Bytes that no compression makes small, in blocks. */
const train = `import json
import os
import random
from pathlib import Path

block = random.Random(7).randbytes(1 << 20)
# The first block is a header of safetensors, filled up with spaces.
tensor = {"dtype": "U8", "shape": [199 << 20], "data_offsets": [0, 199 << 20]}
header = json.dumps({"weights": tensor}).ljust((1 << 20) - 8).encode()
with (Path(os.environ["SM_MODEL_DIR"]) / "model.safetensors").open("wb") as model:
    model.write(len(header).to_bytes(8, "little") + header)
    for number in range(1, 200):
        model.write(number.to_bytes(4, "big") + block[4:])
outputs = Path(os.environ["SM_OUTPUT_DATA_DIR"])
(outputs / "embeddings.bin").write_bytes(block * 5)
(outputs / "metrics.json").write_text('{"loss": 0.5}')
`;
const evaluate = `import json
import os
from pathlib import Path

size = sum(file.stat().st_size for file in Path(os.environ["SM_CHANNEL_MODEL"]).rglob("*") if file.is_file())
(Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "metrics.json").write_text(json.dumps({"bytes": size}))
`;

let project: EndToEndProject;
let run: RunDetails;
let manifest: JobManifest;

beforeAll(async () => {
  const write = (file: string, text: string): void => {
    mkdirSync(join(projectRoot, file, '..'), { recursive: true });
    writeFileSync(join(projectRoot, file), text);
  };
  write('pipelines/bulk.ts', pipeline);
  write('trainers/bulk/train.py', train);
  write('trainers/bulk/evaluate.py', evaluate);
  write('bulk/rows.csv', 'id,label\n1,a\n2,b\n');
  project = await openEndToEndProject('bulk');
  const { client, environment } = project;
  const started = await startRun(client, { environment: 'demo', pipeline: 'bulk', params: {}, trigger: 'test' });
  run = await runUntil(client, started.workflowId, (r) => r.state === 'waiting-approval');
  const { store } = environment.ports;
  const [stored] = (await store.list('jobs/')).filter(({ bytes }) => bytes === 200 * megabyte);
  const key = /^jobs\/([0-9a-f]{64})\//.exec(stored?.key ?? '')?.[1] ?? '';
  const text = await store.read(`${keys.job(key)}manifest.json`);
  manifest = JSON.parse(Buffer.from(text?.body ?? []).toString()) as JobManifest;
}, 600_000);
afterAll(() => project?.close());

const file = (path: string) => {
  const found = manifest.files.find((f) => f.path === path);
  if (found === undefined) throw new Error(`no ${path} among ${manifest.files.map((f) => f.path).join(', ')}`);
  return found;
};

describe('a model of 200 MB with 5 MB of further outputs', () => {
  test('leaves a history below 200 KiB', async () => {
    const { historySize } = await project.client.temporal.workflow.getHandle(run.workflowId).describe();
    expect(historySize).toBeGreaterThan(1_000);
    expect(historySize).toBeLessThan(200 * 1024);
  });

  test('lies in the store as it was written, its digest checked on reading', async () => {
    const { store } = project.environment.ports;
    expect(file('model/model.safetensors').bytes).toBe(200 * megabyte);
    expect(file('output/data/embeddings.bin').bytes).toBe(5 * megabyte);
    const folder = await mkdtemp(join(tmpdir(), 'slipway-bulk-'));
    try {
      for (const path of ['model/model.safetensors', 'output/data/embeddings.bin'])
        await store.getFile(file(path), join(folder, path));
      expect(readFileSync(join(folder, 'model/model.safetensors')).readUInt32BE(199 * megabyte)).toBe(199);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('fails the stage that reads it, with both hashes, once the stored bytes were changed', async () => {
    const { client, environment } = project;
    const model = file('model/model.safetensors');
    const changed = await environment.ports.store.put(
      environment.ports.store.key(model.uri),
      new Uint8Array(200 * megabyte),
    );
    await signalDecision(client, run.workflowId, { decision: 'approve', by: 'ada@example.com' });
    const end = await runUntil(client, run.workflowId, (r) => r.state === 'closed');
    expect(end.outcome).toBe('failed');
    const stage = end.view?.stages.find((s) => s.id === 'read-again');
    expect(stage).toMatchObject({ status: 'failed' });
    for (const text of [end.reason, stage?.note]) {
      expect(text).toContain('E_ARTIFACT_DIGEST');
      expect(text).toContain(model.sha256.slice(0, 12));
      expect(text).toContain(changed.sha256.slice(0, 12));
    }
  });
});
