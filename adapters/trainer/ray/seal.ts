import { createCipheriv, createHash, randomBytes } from 'node:crypto';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';

/**
 * Values that only who has the key can read (AES-256-GCM, the key is the SHA-256 of `text`), and only as those of this
 * `job`: nonce, tag and ciphertext in Base64. `E_SECRET_REF` (78) for a text of fewer than 32 characters.
 */
export function seal(values: Record<string, string>, text: string, job: string): string {
  if (text.length < 32) throw tooShort();
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', createHash('sha256').update(text).digest(), nonce);
  cipher.setAAD(Buffer.from(job));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(values), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
}

function tooShort(): SlipwayError {
  return new SlipwayError(
    {
      code: 'E_SECRET_REF',
      message: 'the sealing key of the Ray trainer has fewer than 32 characters',
      fix: 'Make one with `openssl rand -hex 32`, and give it to the nodes as SLIPWAY_SEALING_KEY.',
    },
    exitCodes.configuration,
  );
}
