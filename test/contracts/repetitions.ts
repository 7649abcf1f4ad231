/** How often the tests that end jobs by force run: `SLIPWAY_KILL_STORMS`, default once. */
export const storms = { repeats: Math.max(1, Number(process.env['SLIPWAY_KILL_STORMS'] ?? 1)) - 1 };
