import { describe, expect, test } from 'vitest';

import { type DataFile, type Table, withTables, writeRows } from '../../activities/rows.js';
import { faultsOf } from './context.js';

const csv: DataFile = { format: 'csv', where: 'x.csv', bytes: Buffer.from('a,b\n1,2\n3,4\n5,6\n') };
const jsonl: DataFile = { format: 'jsonl', where: 'x.jsonl', bytes: Buffer.from('{"a":1,"b":2}\n{"a":3}\n{"a":5}\n') };
const count = 200_000;
/** Some megabytes, with ends of lines where pieces of any size meet. */
const large: DataFile[] = [
  { format: 'csv', where: 'x.csv', bytes: Buffer.from(`id,"x"\r\n${'1234567,"x"\r\n'.repeat(count)}`) },
  { format: 'jsonl', where: 'x.jsonl', bytes: Buffer.from('{"id":1234567}\r\n'.repeat(count)) },
];

/** How often other work has its turn before `work` is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  const turn = () => {
    turns += 1;
    if (!done) setImmediate(turn);
  };
  turn();
  await work.finally(() => (done = true));
  return turns;
}

describe('a table', () => {
  test.each(large)('of $format is read while other work goes on, and written too', async (file) => {
    const table = await withTables(async (read) => {
      let read1: Table | undefined;
      const turns = await turnsDuring(read(file).then((t) => (read1 = t)));
      expect(turns).toBeGreaterThan(file.bytes.length / 500_000);
      return read1;
    });
    expect(table?.rows).toHaveLength(count);
    expect(new Set(table?.rows.map((row) => String(row['id'])))).toEqual(new Set(['1234567']));
    expect(await turnsDuring(writeRows(table!, () => true))).toBeGreaterThan(5);
  });

  test.each([csv, jsonl])('of $format with more rows than are held in memory is refused', async (file) => {
    const read = (rows: number) => withTables((open) => open(file), { rows, values: 100 });
    expect((await read(3)).rows).toHaveLength(3);
    expect(await faultsOf(read(2))).toMatchObject([
      {
        code: 'E_DATA_SIZE',
        where: file.where,
        message: 'the data file has more than 2 rows, which is the most that is read',
      },
    ]);
  });

  test.each([
    [csv, 6],
    [jsonl, 4],
  ])('with more values than are held in memory is refused: %#', async (file, values) => {
    const read = (most: number) => withTables((open) => open(file), { rows: 100, values: most });
    expect((await read(values)).rows).toHaveLength(3);
    expect(await faultsOf(read(values - 1))).toMatchObject([
      { code: 'E_DATA_SIZE', message: expect.stringContaining('more than ' + `${values - 1} values`) as string },
    ]);
  });

  test('is opened when nobody holds another one, also after one that was refused', async () => {
    const order: string[] = [];
    const use = (name: string, fails: boolean) =>
      withTables(async (read) => {
        order.push(`${name} begins`);
        await read(fails ? { ...csv, bytes: Buffer.of(0xff) } : csv).finally(() => order.push(`${name} ends`));
      });
    await Promise.allSettled([use('one', true), use('two', false), use('three', false)]);
    expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends', 'three begins', 'three ends']);
  });

  test('without rows is written as its header, or as nothing', async () => {
    const written = async (file: DataFile) =>
      Buffer.from(await writeRows(await withTables((read) => read(file)), () => false)).toString();
    expect([await written(csv), await written(jsonl)]).toEqual(['a,b\n', '']);
  });
});
