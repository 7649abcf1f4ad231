import { z } from 'zod';

import { secretRef } from '../secret-ref.js';

/** How to reach an MLflow server: the part of the options that registry and tracking have in common. */
export const mlflowServer = {
  /** Base address of the server, as clients set it in `MLFLOW_TRACKING_URI`. */
  uri: z.url({ protocol: /^https?$/ }),
  /** Address that people open in a browser, when it differs from `uri`. */
  ui: z.url({ protocol: /^https?$/ }).optional(),
  /** Reference to a bearer token; absent = none is sent. */
  token: secretRef.optional(),
  /** Limit of one request in milliseconds. Default 30000. */
  timeoutMs: z.int().min(100).max(600_000).default(30_000),
};
