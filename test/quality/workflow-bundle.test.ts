import { builtinModules } from 'node:module';
import { resolve } from 'node:path';
import type { Logger } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows } from '../../workers/bundle-workflows.js';

const limitKb = 700;
const silent = (): undefined => undefined;
const logger: Logger = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/** One module of the bundle: its path and the size of its source. */
interface Module {
  path: string;
  bytes: number;
}
let sizeKb = 0;
let modules: Module[] = [];

beforeAll(async () => {
  // What the build makes of the source, as workers run it.
  const workflowsPath = resolve(import.meta.dirname, '../../dist/workflows/index.js');
  const { code } = await bundleWorkflows(workflowsPath, logger);
  const [program = '', map = ''] = code.split('//# sourceMappingURL=data:application/json;charset=utf-8;base64,');
  const { sources, sourcesContent } = JSON.parse(Buffer.from(map, 'base64').toString('utf8')) as {
    sources: string[];
    sourcesContent: string[];
  };
  sizeKb = Buffer.byteLength(program) / 1_000;
  modules = sources.map((path, i) => ({ path, bytes: Buffer.byteLength(sourcesContent[i] ?? '') }));
}, 120_000);

describe('the workflow bundle', () => {
  test(`stays within ${limitKb} KB`, () => {
    const largest = modules.toSorted((a, b) => b.bytes - a.bytes).slice(0, 10);
    const list = largest.map(({ path, bytes }) => `${Math.round(bytes / 1_000)} KB ${path}`).join('\n');
    expect(sizeKb, `the largest modules are\n${list}`).toBeLessThan(limitKb);
  });

  test('holds our workflows', () => {
    expect(modules.map((m) => m.path)).toEqual(
      expect.arrayContaining([expect.stringMatching(/workflows\/rollout\.ts$/)]),
    );
  });

  test('holds no zod, no adapter and nothing of Node', () => {
    const strangers = /node_modules\/zod\/|\/adapters\/|\/authoring\/|\/config\/|\/client\//;
    expect(modules.map((m) => m.path).filter((path) => strangers.test(path))).toEqual([]);
    const builtins = new Set(builtinModules.flatMap((name) => [`external "${name}"`, `external "node:${name}"`]));
    expect(modules.map((m) => m.path).filter((path) => [...builtins].some((name) => path.endsWith(name)))).toEqual([]);
  });
});
