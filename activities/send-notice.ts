import type { JsonObject } from '../plan/json.js';
import type { NoticeOutput } from '../plan/outputs.js';
import type { StageCall } from './calls.js';
import type { ActivityContext } from './context.js';
import { notify } from './notify.js';
import { openStage } from './plan-cache.js';

/** Tells people what a `notify` stage says; the same stage of the same run is the same event. */
export async function sendNotice(context: ActivityContext, call: StageCall): Promise<NoticeOutput> {
  const { stage, inputs } = await openStage(context, call, 'notify');
  const { text } = stage.settings;
  const { workflowId, pipeline, environment } = call.run;
  const facts = { ...stage.settings.facts, ...(inputs as { facts?: JsonObject }).facts };
  await notify(context, { kind: 'message', workflowId, pipeline, environment, stage: call.stage, text, facts });
  return { kind: 'notice', text };
}
