import { beforeEach, expect, test, vi } from 'vitest';
import type { Environment } from '../../config/open.js';
import type { Deployed } from '../../operations/deploy.js';
import { deploy } from '../../operations/deploy.js';
import { openProject, type Project } from '../../operations/project.js';
import { restoreServing } from '../../operations/restore-serving.js';
import { startStack } from '../../operations/up.js';
import { SlipwayError } from '../../plan/errors.js';

// Only the order and what becomes of faults is looked at: each part has tests of its own.
vi.mock('../../stack/index.js', () => ({ up: async () => ({ parts: {} }) }));
vi.mock('../../operations/project.js', () => ({ openProject: vi.fn<typeof openProject>() }));
vi.mock('../../operations/deploy.js', () => ({ deploy: vi.fn<typeof deploy>() }));
vi.mock('../../operations/restore-serving.js', () => ({ restoreServing: vi.fn<typeof restoreServing>() }));

const notServing = new SlipwayError({ code: 'E_SERVING_START', where: 'intents', message: 'it ended' });
const deployed = [{ pipeline: 'iris' }] as Deployed[];
const start = () => startStack({ root: '/project', env: {}, only: [], ports: {}, onProgress: () => undefined });
const project = (facts: Partial<Environment>) =>
  vi.mocked(openProject).mockResolvedValue({ environment: { name: 'dev', ...facts } } as Project);

beforeEach(() => {
  project({ protected: false });
  vi.mocked(restoreServing).mockReset().mockResolvedValue(notServing);
  vi.mocked(deploy).mockReset().mockResolvedValue(deployed);
});

test('a champion that does not serve keeps no pipeline from being deployed', async () => {
  expect(await start()).toEqual({ parts: {}, deployed, unserved: notServing });
  expect(vi.mocked(restoreServing)).toHaveBeenCalledBefore(vi.mocked(deploy));
});

test('what keeps the pipelines from being deployed is told beside what keeps a champion from serving', async () => {
  vi.mocked(deploy).mockRejectedValue(new SlipwayError({ code: 'E_NAME', message: 'a bad name' }));
  await expect(start()).rejects.toMatchObject({ faults: [{ code: 'E_SERVING_START' }, { code: 'E_NAME' }] });
});

test('in a protected environment nothing is deployed and nothing is routed', async () => {
  project({ protected: true });
  expect(await start()).toEqual({ parts: {}, deployed: [], unserved: null });
  expect(vi.mocked(restoreServing)).not.toHaveBeenCalled();
});
