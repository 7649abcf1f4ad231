import { z } from 'zod';

import { SlipwayError } from '../../../plan/errors.js';
import { isRefusal, type MlflowApi } from '../../mlflow-api/client.js';
import { duplicateTag, fromTagList, keyTag, toTagList } from '../../mlflow-api/tags.js';
import type { Candidate } from '../port.js';
import { findVersion, type ModelVersion, versionAnswer, versionsOfKey } from './versions.js';

/** The one version of a key: looked for, made when absent, looked for again, read back. */
export async function register(
  api: MlflowApi,
  candidate: Candidate,
  key: string,
  signal?: AbortSignal,
): Promise<ModelVersion> {
  const { name } = candidate;
  let found = await versionsOfKey(api, name, key, signal);
  if (found.length === 0) {
    const refused = await create(api, candidate, key, signal).then(
      () => undefined,
      (error: Error) => error,
    );
    // The server may have made it and failed to say so: what is there decides.
    found = await versionsOfKey(api, name, key, signal);
    if (found.length === 0) throw refused ?? readBackFault(name, 'the version just created', 'no version of this key');
  }
  const [first, ...others] = found;
  if (first === undefined) throw readBackFault(name, 'a version of this key', 'none');
  for (const other of others.filter(({ tags }) => fromTagList(tags)[duplicateTag] === undefined)) {
    await setTag(api, name, other.version, duplicateTag, first.version, signal);
  }
  const readBack = await findVersion(api, name, first.version, signal);
  checkReadBack(candidate, tagsOf(candidate, key), readBack, first.version);
  return readBack;
}

/** Sets one tag of a version. */
export async function setTag(
  api: MlflowApi,
  name: string,
  version: string,
  key: string,
  value: string,
  signal?: AbortSignal,
): Promise<void> {
  await api.call('POST', 'model-versions/set-tag', { name, version, key, value }, z.object({}), signal);
}

/** The model is made only when it is absent: a server that has it already needs two connections at once to refuse it, so that many refusals stall it. */
async function create(api: MlflowApi, candidate: Candidate, key: string, signal?: AbortSignal): Promise<void> {
  try {
    await createVersion(api, candidate, key, signal);
  } catch (error) {
    if (!isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) throw error;
    await createModel(api, candidate.name, signal);
    await createVersion(api, candidate, key, signal);
  }
}

/** Somebody else may have made it meanwhile. */
async function createModel(api: MlflowApi, name: string, signal?: AbortSignal): Promise<void> {
  try {
    await api.call('POST', 'registered-models/create', { name }, z.object({}), signal);
  } catch (error) {
    if (!isRefusal(error, 'RESOURCE_ALREADY_EXISTS')) throw error;
  }
}

async function createVersion(api: MlflowApi, candidate: Candidate, key: string, signal?: AbortSignal): Promise<void> {
  const body = {
    name: candidate.name,
    source: candidate.package.uri,
    tags: toTagList(tagsOf(candidate, key)),
    run_id: candidate.runId,
    description: candidate.description,
  };
  await api.call('POST', 'model-versions/create', body, versionAnswer, signal);
}

function tagsOf(candidate: Candidate, key: string): Record<string, string> {
  return { ...candidate.tags, 'slipway.sha256': candidate.package.sha256, [keyTag]: key };
}

function checkReadBack(
  sent: Candidate,
  tags: Record<string, string>,
  found: ModelVersion | undefined,
  version: string,
): asserts found is ModelVersion {
  const where = `${sent.name} version ${version}`;
  if (found === undefined) throw readBackFault(where, 'this version', 'none');
  const stored = fromTagList(found.tags);
  const pairs: [string, string, string | undefined][] = [
    ['name', sent.name, found.name],
    ['version', version, found.version],
    ['source', sent.package.uri, found.source],
    ['run_id', sent.runId ?? '', found.run_id ?? ''],
    ...Object.entries(tags).map(([name, value]): [string, string, string | undefined] => [
      `tag ${name}`,
      value,
      stored[name],
    ]),
  ];
  const wrong = pairs.filter(([, expected, actual]) => expected !== actual);
  if (wrong.length === 0) return;
  const list = (pick: (pair: [string, string, string | undefined]) => string | undefined) =>
    wrong.map((pair) => `${pair[0]} ${JSON.stringify(pick(pair) ?? null)}`).join(', ');
  throw readBackFault(
    where,
    list(([, expected]) => expected),
    list(([, , actual]) => actual),
  );
}

function readBackFault(where: string, expected: string, found: string): SlipwayError {
  return new SlipwayError({
    code: 'E_REGISTRY_READBACK',
    where,
    message: `expected ${expected}; the registry answers ${found}`,
    fix: 'The registry does not hold what was sent. Look at this version in its UI before anything is promoted.',
  });
}
