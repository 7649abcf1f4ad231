import { setImmediate as otherWork } from 'node:timers/promises';
import type { Json } from '../plan/json.js';
import { judgeData } from '../plan/judge-data.js';
import type { DatasetOutput, Split, ValidateOutput } from '../plan/outputs.js';
import type { ValidateStage } from '../plan/plan.js';
import { inSourceOrder } from '../plan/split.js';
import type { Store } from '../adapters/store/port.js';
import type { Cached, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { openStage } from './plan-cache.js';
import { type DataFile, withTables } from './rows.js';
import { cachedOr, identityOf } from './stage-cache.js';
import { asDataset } from './stage-inputs.js';

/** Judges a data set by its suite, over all its parts; the same data and suite are judged once. */
export async function validateData(context: ActivityContext, call: StageCall): Promise<Cached<ValidateOutput>> {
  const open = await openStage(context, call, 'validate');
  const data = asDataset((open.inputs as { data?: Json }).data, call.stage);
  // The rules are this product's code: another build may judge otherwise.
  const followsFrom = { data: identityOf(data as unknown as Json), judges: context.build };
  const judged = await cachedOr(open, call, followsFrom, () => judge(open.environment.ports.store, open.stage, data));
  // The same bytes may have come from elsewhere.
  return { ...judged, data };
}

async function judge(store: Store, stage: ValidateStage, data: DatasetOutput): Promise<ValidateOutput> {
  const { train, holdout } = data.splits;
  const files = await Promise.all(
    [train, ...(holdout === undefined ? [] : [holdout])].map((p) => open(store, p, data)),
  );
  const held = data.held === undefined ? undefined : await store.get(data.held);
  const { suite, maxFailureRate } = stage.settings;
  return await withTables(async (read) => {
    const tables = [];
    for (const file of files) tables.push(await read(file));
    const [first = [], second = []] = tables.map((table) => table.rows);
    const rows = held === undefined ? [...first, ...second] : inSourceOrder(first, second, held);
    const columns = [...new Set(tables.flatMap((table) => table.columns))];
    const findings = [];
    for (const expectation of suite) {
      findings.push(...judgeData(rows, columns, [expectation], maxFailureRate));
      await otherWork();
    }
    return { verdict: findings.some((f) => f.refused) ? 'fail' : 'pass', checked: rows.length, findings, data };
  });
}

async function open(store: Store, part: Split, { source }: DatasetOutput): Promise<DataFile> {
  return { bytes: await store.get(part), format: part.format, where: `${source} (${part.name})` };
}
