// The same trainer as centroids.c, for machines without a compiler.
import { readFileSync, writeFileSync } from 'node:fs';
import { env } from 'node:process';

const below = (variable, name) => `${env[variable]}/${name}`;
if (!process.argv.includes('--scale')) {
  console.error('usage: --scale is missing');
  process.exit(64);
}
const scale = Number(process.argv[process.argv.indexOf('--scale') + 1]);
const rows = readFileSync(below('SM_CHANNEL_TRAIN', 'train.csv'), 'utf8').trim().split(/\r?\n/).slice(1);
const sums = new Map();
for (const row of rows) {
  const values = row.split(',');
  const label = values.pop();
  const known = sums.get(label) ?? { count: 0, sums: values.map(() => 0) };
  sums.set(label, { count: known.count + 1, sums: known.sums.map((sum, i) => sum + Number(values[i])) });
}
const means = [...sums].map(([label, of]) => [label, of.sums.map((sum) => (scale * sum) / of.count)]);
writeFileSync(below('SM_MODEL_DIR', 'model.centroids'), JSON.stringify(Object.fromEntries(means)));
writeFileSync(below('SM_OUTPUT_INTERMEDIATE_DIR', 'progress.json'), '{"epoch": 1}');
const metrics = { labels: means.length, columns: means[0]?.[1].length ?? 0 };
writeFileSync(below('SM_OUTPUT_DATA_DIR', 'metrics.json'), JSON.stringify(metrics));
console.log(`trained on ${means.length} labels`);
