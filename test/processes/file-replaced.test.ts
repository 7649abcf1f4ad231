import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fileReplaced, writeFileAtomic } from '../../processes/index.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'slipway-replaced-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('waiting for a file to be replaced', () => {
  test('ends when it is, also when it was not there before; other files of the folder mean nothing', async () => {
    const file = join(folder, 'state.json');
    for (const text of ['first', 'second']) {
      const listening = new AbortController();
      const order: string[] = [];
      const told = fileReplaced(file, listening.signal).then(() => order.push('told'));
      await writeFile(join(folder, `other-${text}`), text);
      order.push('written');
      await writeFileAtomic(file, text);
      await told;
      expect(order).toEqual(['written', 'told']);
      listening.abort();
    }
  });

  test('ends with the signal, where nothing can be watched too', async () => {
    const listening = new AbortController();
    const waiting = [folder, join(folder, 'nowhere')].map((at) => fileReplaced(join(at, 'x.json'), listening.signal));
    listening.abort();
    await Promise.all(waiting);
    await fileReplaced(join(folder, 'x.json'), listening.signal);
  });
});
