import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { baseEnvironment } from '../../processes/index.js';
import { ensurePython } from '../../stack/index.js';
import type { OnProgress } from '../../stack/index.js';

/** What users say, as the trainer's own `intents.traffic` makes it: no masked slots, no template of the data set. */
export async function makeSentences(
  root: string,
  env: Record<string, string | undefined>,
  onProgress: OnProgress,
): Promise<string[]> {
  const folder = join(root, 'trainers', 'intents');
  const python = await ensurePython({ root, requirements: join(folder, 'requirements.txt'), env, onProgress });
  const file = join(root, '.slipway', 'traffic.jsonl');
  await promisify(execFile)(python, ['-m', 'intents.traffic', '--count', '4000', '--output', file], {
    cwd: folder,
    env: baseEnvironment(),
  });
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { text: string }).text);
}
