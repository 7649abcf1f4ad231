import { createHash } from 'node:crypto';

import { keys } from '../../../plan/names.js';
import type { CodeRef } from '../../../plan/plan.js';
import type { FakeStore } from '../../../testing/fakes/store.js';

/** Puts a packed pipeline file into the store: a pipeline named `tasks` with one task per member, each a function's text. */
export async function pack(store: FakeStore, functions: Record<string, string>, before = ''): Promise<CodeRef> {
  const tasks = Object.entries(functions).map(
    ([stage, members]) => `p.task(${JSON.stringify(stage)}, { input: {}, output: z.any(), ${members} });`,
  );
  const text = `import { definePipeline } from 'slipway';
import { z } from 'zod';
${before}
export default definePipeline('tasks', {}, (p) => { ${tasks.join('\n')} });
`;
  const bytes = new TextEncoder().encode(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await store.put(keys.bundle(sha256), bytes);
  return { sha256, bytes: bytes.length };
}
