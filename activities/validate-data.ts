import type { Json } from '../plan/json.js';
import { judgeData } from '../plan/judge-data.js';
import type { DatasetOutput, Split, ValidateOutput } from '../plan/outputs.js';
import type { ValidateStage } from '../plan/plan.js';
import type { Store } from '../adapters/store/port.js';
import type { Cached, StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { openStage } from './plan-cache.js';
import { readTable } from './rows.js';
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
  const parts = [data.splits.train, data.splits.holdout].filter((s): s is Split => s !== undefined);
  const tables = [];
  for (const part of parts) tables.push(readTable(await store.get(part), part.format, `${data.source} (${part.name})`));
  const rows = tables.flatMap((t) => t.rows);
  const columns = [...new Set(tables.flatMap((t) => t.columns))];
  const findings = judgeData(rows, columns, stage.settings.suite, stage.settings.maxFailureRate);
  return { verdict: findings.some((f) => f.refused) ? 'fail' : 'pass', checked: rows.length, findings, data };
}
