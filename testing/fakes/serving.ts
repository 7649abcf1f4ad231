import { createHash } from 'node:crypto';

import { modelFile } from '../../adapters/serving/mlserver/model-folder.js';
import type { Answer, Serving, ServingVersion } from '../../adapters/serving/port.js';
import type { Store } from '../../adapters/store/port.js';
import { shortDigest } from '../../plan/artifact.js';
import { exitCodes, SlipwayError } from '../../plan/errors.js';
import type { Json } from '../../plan/json.js';
import type { Endpoint } from '../../plan/outputs.js';

export interface FakeServing extends Serving {
  /** Servers that run, by port. A test that deletes one has crashed it. */
  running: Map<number, Endpoint>;
}

/**
 * Model servers in memory.
 *
 * @param reply status and body for a request to a version; default an answer with the label `fake`
 */
export function fakeServing(
  store: Pick<Store, 'get'>,
  reply: (version: string, request: Json) => Pick<Answer, 'status' | 'body'> = anyLabel,
): FakeServing {
  const running = new Map<number, Endpoint>();
  const names = new Map<string, string>();
  let nextPort = 40_000;
  const at = (port: number, service: string): Endpoint => {
    const endpoint = running.get(port);
    if (endpoint?.service === service) return endpoint;
    throw new SlipwayError(
      { code: 'E_UNAVAILABLE', message: 'nobody answers', where: `127.0.0.1:${port}` },
      exitCodes.temporary,
    );
  };
  const idOf = (version: ServingVersion, sha256: string): string => {
    const id = `${version.service}-${shortDigest(sha256)}`;
    const holder = names.get(id) ?? version.version;
    names.set(id, holder);
    return holder === version.version
      ? id
      : `${id}-${createHash('sha256').update(version.version).digest('hex').slice(0, 6)}`;
  };
  return {
    running,
    async load(version) {
      const { sha256 } = modelFile(version.files);
      await Promise.all(version.files.map((file) => store.get(file)));
      const id = idOf(version, sha256);
      const known = [...running.values()].find((endpoint) => endpoint.id === id);
      if (known !== undefined) return known;
      const endpoint = {
        id,
        service: version.service,
        host: '127.0.0.1',
        port: nextPort++,
        version: version.version,
        sha256,
      };
      running.set(endpoint.port, endpoint);
      return endpoint;
    },
    ready: async (endpoint) => running.get(endpoint.port)?.id === endpoint.id,
    async version({ port, service }) {
      const { version, sha256 } = at(port, service);
      return { version, sha256 };
    },
    async predict({ port, service }, request) {
      const { version, sha256 } = at(port, service);
      return { ...reply(version, request), version, sha256 };
    },
    async unload(endpoint) {
      for (const [port, { id }] of running) if (id === endpoint.id) running.delete(port);
    },
    list: async () => [...running.values()],
  };
}

function anyLabel(): Pick<Answer, 'status' | 'body'> {
  return { status: 200, body: { outputs: [{ name: 'label', datatype: 'BYTES', shape: [1], data: ['fake'] }] } };
}
