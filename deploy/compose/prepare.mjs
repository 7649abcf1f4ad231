// Waits until S3 takes a put and a get, which makes the bucket, and writes the route files that Envoy needs to start.
import { setTimeout as delay } from 'node:timers/promises';

import { processEnvironment } from '../../dist/config/process-environment.js';
import { currentContext } from '../../dist/stack/context.js';
import { seedRoutes } from '../../dist/stack/parts/envoy.js';
import { s3 } from '../../dist/stack/parts/s3.js';

const context = await currentContext(process.cwd(), { env: processEnvironment() });
await seedRoutes(context.paths.envoy);
const deadline = Date.now() + 120_000;
for (;;) {
  try {
    await s3.isReady(context);
    break;
  } catch (error) {
    if (Date.now() > deadline) throw error;
    await delay(500);
  }
}
