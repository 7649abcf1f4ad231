import { readFile } from 'node:fs/promises';

import { exitCodes, SlipwayError } from '../../../plan/errors.js';
import { type ExecCredential, type ExecPlugin, runPlugin } from './exec-credential.js';
import type { ClusterAccess } from './kubeconfig.js';
import { withoutUndefined } from '../../../plan/json.js';

/** What a request shows to say who sends it. */
export interface Credentials {
  token?: string;
  cert?: string | Buffer;
  key?: string | Buffer;
}
export interface CredentialSource {
  current(): Promise<Credentials>;
  /** The API server did not accept them: whether others may be had. */
  renew(): boolean;
}

/** Programs are asked again before what they gave ends, and once after the API server has refused it. */
const earlyMs = 60_000;

/** Token files are read for each request: Kubernetes replaces those of pods every hour. */
export function credentialsOf(identity: ClusterAccess['identity'], timeoutMs: number): CredentialSource {
  const fixed = (credentials: Credentials): CredentialSource => {
    return { current: () => Promise.resolve(credentials), renew: () => false };
  };
  switch (identity.kind) {
    case 'none':
      return fixed({});
    case 'token':
      return fixed({ token: identity.token });
    case 'certificate':
      return fixed({ cert: identity.certificate, key: identity.key });
    case 'token-file':
      return { current: async () => ({ token: await readToken(identity.path) }), renew: () => false };
    case 'exec':
      return fromPlugin(identity.plugin, timeoutMs);
  }
}

function fromPlugin(plugin: ExecPlugin, timeoutMs: number): CredentialSource {
  let known: Promise<ExecCredential> | undefined;
  const ask = (): Promise<ExecCredential> => {
    const asked = runPlugin(plugin, timeoutMs);
    known = asked;
    asked.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked;
  };
  return {
    async current() {
      let found = await (known ?? ask());
      if (found.until !== undefined && found.until - earlyMs < Date.now()) found = await ask();
      const { token, certificate, key } = found;
      return {
        ...withoutUndefined({ token }),
        ...(certificate !== undefined && key !== undefined && { cert: certificate, key }),
      };
    },
    renew() {
      known = undefined;
      return true;
    },
  };
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    const message = `the token cannot be read: ${(error as Error).message}`;
    throw new SlipwayError({ code: 'E_TRAINER_ACCESS', where: path, message }, exitCodes.permission);
  }
}
