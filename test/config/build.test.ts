import { describe, expect, test } from 'vitest';
import { thisBuild } from '../../config/build.js';

describe('the name of a build', () => {
  test('is the version and the digest of the workflow code, the same whenever it is asked', async () => {
    const name = await thisBuild({});
    expect(name).toMatch(/^\d+\.\d+\.\d+-[0-9a-f]{12}$/);
    expect(await thisBuild({ SLIPWAY_BUILD_ID: '' })).toBe(name);
  });

  test('may be given', async () => {
    expect(await thisBuild({ SLIPWAY_BUILD_ID: '2026-11-21.3' })).toBe('2026-11-21.3');
  });

  test.each(['slip way', 'a:b', '-a', 'x'.repeat(129), '\u0000'])('is refused as %j', async (given) => {
    await expect(thisBuild({ SLIPWAY_BUILD_ID: given })).rejects.toMatchObject({ code: 'E_CONFIG', exitCode: 78 });
  });
});
