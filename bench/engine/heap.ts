import { spawn } from 'node:child_process';
import path from 'node:path';

/** Heap of one cached run in KB, both sides, each in a process of its own. */
export async function heapPerRun(address: string): Promise<{ bare: number; slipway: number }> {
  return { bare: await probe('bare', address), slipway: await probe('slipway', address) };
}

async function probe(side: string, address: string): Promise<number> {
  const args = ['--expose-gc', path.join(import.meta.dirname, 'heap-probe.js'), side, address];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => void (text += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve));
  const found = Number(text.trim().split('\n').at(-1));
  if (code !== 0 || !(found > 0)) throw new Error(`the heap probe of ${side} ended ${code}: ${text}`);
  return found;
}
