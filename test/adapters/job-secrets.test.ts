import { expect, test } from 'vitest';

import { jobSecrets } from '../../adapters/job-secrets.js';

test.each([
  ['a NUL character', 'sesame\0open'],
  ['200 kB', 'sesame'.repeat(34_000)],
])('a secret of %s, which no variable can hold, is refused by its reference and never shown', async (_what, value) => {
  const context = { root: '/', secret: () => value };
  const refused = jobSecrets({ secrets: { TOKEN: 'file:token' } }, context);
  const told: unknown = await refused.catch((error: unknown) => error);
  expect(told).toMatchObject({ code: 'E_SECRET_REF', exitCode: 78 });
  expect(String(told)).toContain('file:token');
  expect(String(told)).not.toContain('sesame');
});
