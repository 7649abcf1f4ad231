import { expect, test } from 'vitest';
import { servedFile } from '../../plan/serving.js';

test.each<[string[], string | undefined]>([
  [['model/model.json', 'model/model.skops'], 'model/model.skops'],
  [['model/labels.txt', 'model/model.onnx', 'model/model.skops'], 'model/model.onnx'],
  [['model/model.json'], undefined],
  [['model/deep/model.skops', 'output/data/model.skops', 'model/model'], undefined],
])('of the files %j a server loads %s', (paths, served) => {
  expect(servedFile(paths.map((path) => ({ path })))?.path).toBe(served);
});
