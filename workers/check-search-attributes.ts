import type { NativeConnection } from '@temporalio/worker';
import type { TemporalSettings } from '../config/temporal.js';
import { SlipwayError, exitCodes } from '../plan/errors.js';
import { searchAttributes } from '../plan/names.js';

/** A run that sets an unregistered search attribute hangs: so a worker does not start without them. */
export async function checkSearchAttributes(connection: NativeConnection, temporal: TemporalSettings): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: temporal.namespace });
  const missing = Object.entries(searchAttributes).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return;
  const flags = missing.map(([name, type]) => `--name ${name} --type ${type}`).join(' ');
  throw new SlipwayError(
    {
      code: 'E_SEARCH_ATTRIBUTES',
      where: temporal.namespace,
      message: `search attributes are not registered: ${missing.map(([n]) => n).join(', ')}`,
      fix: `temporal operator search-attribute create --address ${temporal.address} --namespace ${temporal.namespace} ${flags}`,
    },
    exitCodes.configuration,
  );
}
