import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRun, viewRun } from '../../client/index.js';
import { readRunRecord } from '../../operations/report.js';
import type { ModelOutput } from '../../plan/outputs.js';
import { openEndToEndProject, type EndToEndProject } from './project.js';
import { projectRoot } from '../stack-fixture.js';
import { outputOf } from './run-output.js';

/** As a notebook was exported: it knows files, arguments and its standard output, and nothing of Slipway. */
const script = `import argparse
import csv
import json

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--column", default="sepal_length")
parser.add_argument("--degree", type=int, default=1)
given = parser.parse_args()

with open(given.data, newline="") as rows:
    values = [float(row[given.column]) for row in csv.DictReader(rows)]
mean = sum(values) / len(values)
with open(given.out, "w") as out:
    out.write(f"{given.column} ^ {given.degree} = {mean ** given.degree}\\n")
print(json.dumps({"mean": mean, "rows": len(values), "degree": given.degree}))
`;
const pipeline = `import { definePipeline, trainers } from 'slipway';
import { z } from 'zod';
const Params = z.strictObject({ column: z.string().default('sepal_length'), degree: z.int().default(1) });
export default definePipeline('exported', { params: Params }, (p, params) => {
  const data = p.snapshot('snapshot', { from: 'file:trainers/iris/data/iris.csv' });
  p.train('train', {
    trainer: trainers.process({
      run: \`sh -c 'python legacy.py --data "$SM_CHANNEL_TRAIN/train.csv" --out "$SM_MODEL_DIR/model.txt" "$@" > "$SM_OUTPUT_DATA_DIR/metrics.json"' sh\`,
      folder: 'trainers/exported',
    }),
    data,
    params: { column: params.column, degree: params.degree },
  });
});
`;

let project: EndToEndProject;
beforeAll(async () => {
  for (const [file, text] of [
    ['pipelines/exported.ts', pipeline],
    ['trainers/exported/legacy.py', script],
  ] as const) {
    mkdirSync(dirname(join(projectRoot, file)), { recursive: true });
    writeFileSync(join(projectRoot, file), text);
  }
  project = await openEndToEndProject('exported');
}, 600_000);
afterAll(() => project?.close());

async function model(params: { column?: string; degree?: number }): Promise<{ output: ModelOutput; text: string }> {
  const { client, environment } = project;
  const { workflowId } = await startRun(client, { environment: 'demo', pipeline: 'exported', params, trigger: 'test' });
  await client.temporal.workflow.getHandle(workflowId).result();
  const output = outputOf<ModelOutput>(await readRunRecord(environment, await viewRun(client, workflowId)), 'train');
  const [file] = output.files;
  if (file === undefined) throw new Error('no model');
  return { output, text: Buffer.from(await environment.ports.store.get(file)).toString() };
}

describe('a script that was written for something else', { timeout: 300_000 }, () => {
  test('is a stage as it is: the run gives it its arguments, and takes its file and its numbers', async () => {
    const plain = await model({});
    expect(plain.output.metrics).toMatchObject({ rows: 150, degree: 1 });
    expect(plain.text).toMatch(/^sepal_length \^ 1 = 5\.84/);
    const other = await model({ column: 'petal_width', degree: 2 });
    expect(other.output).toMatchObject({ params: { column: 'petal_width', degree: 2 }, metrics: { degree: 2 } });
    expect(other.text).toMatch(/^petal_width \^ 2 = 1\.43/);
    expect(other.output.code).toBe(plain.output.code);
    expect(readFileSync(join(projectRoot, 'trainers/exported/legacy.py'), 'utf8')).toBe(script);
  });
});
