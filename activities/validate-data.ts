import type { Json } from '../plan/json.js';
import { judgeData } from '../plan/judge-data.js';
import type { Split, ValidateOutput } from '../plan/outputs.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { openStage } from './plan-cache.js';
import { readTable } from './rows.js';
import { asDataset } from './stage-inputs.js';

/** Judges a data set by its suite, over all its parts. */
export async function validateData(context: ActivityContext, call: StageCall): Promise<ValidateOutput> {
  const { environment, stage, inputs } = await openStage(context, call, 'validate');
  const data = asDataset((inputs as { data?: Json }).data, call.stage);
  const parts = [data.splits.train, data.splits.holdout].filter((s): s is Split => s !== undefined);
  const tables = [];
  for (const part of parts)
    tables.push(readTable(await environment.ports.store.get(part), part.format, `${data.source} (${part.name})`));
  const rows = tables.flatMap((t) => t.rows);
  const columns = [...new Set(tables.flatMap((t) => t.columns))];
  const findings = judgeData(rows, columns, stage.settings.suite, stage.settings.maxFailureRate);
  return { verdict: findings.some((f) => f.refused) ? 'fail' : 'pass', checked: rows.length, findings, data };
}
