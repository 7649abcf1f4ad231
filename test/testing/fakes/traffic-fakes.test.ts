import type { ServingVersion } from '../../../adapters/serving/port.js';
import type { Json } from '../../../plan/json.js';
import { describeMetrics } from '../../contracts/metrics.contract.js';
import { describeNotifier } from '../../contracts/notifier.contract.js';
import { describeRouter } from '../../contracts/router.contract.js';
import { describeServing } from '../../contracts/serving.contract.js';
import { fakeMetrics } from '../../../testing/fakes/metrics.js';
import { fakeNotifier } from '../../../testing/fakes/notifier.js';
import { fakeRouter } from '../../../testing/fakes/router.js';
import { fakeServing } from '../../../testing/fakes/serving.js';
import { fakeStore } from '../../../testing/fakes/store.js';

describeRouter('in memory', async () => {
  const router = fakeRouter();
  let services = 0;
  const endpoint = (service: string, digit: string) => ({
    id: `${service}-${digit.repeat(12)}`,
    service,
    host: '127.0.0.1',
    port: 9_000,
    version: digit,
    sha256: digit.repeat(64),
  });
  return {
    router,
    async newService() {
      const service = `service-${services++}`;
      return { service, champion: endpoint(service, 'a'), candidate: endpoint(service, 'b') };
    },
    reach: async (service, user) => router.reach(service, user),
    close: () => Promise.resolve(),
  };
});

describeServing('in memory', async () => {
  const store = fakeStore();
  const version = async (name: string): Promise<ServingVersion> => {
    const files = ['model.json', 'model.skops'].map(async (file) => ({
      path: `model/${file}`,
      ...(await store.put(`models/${name}/${file}`, Buffer.from(`${file} of ${name}`))),
    }));
    return { service: 'iris', version: name, files: await Promise.all(files) };
  };
  const label = { outputs: [{ name: 'label', datatype: 'BYTES', shape: [1], data: ['setosa'] }] };
  const reply = (_version: string, request: Json) =>
    request === 'good' ? { status: 200, body: label } : { status: 400, body: { error: 'refused' } };
  const serving = fakeServing(store, reply);
  return {
    serving,
    versions: [await version('1'), await version('2')],
    request: 'good',
    badRequest: 'bad',
    crash: async (endpoint) => void serving.running.delete(endpoint.port),
    close: () => Promise.resolve(),
  };
});

describeMetrics('in memory', async () => {
  const metrics = fakeMetrics();
  return {
    metrics,
    publish: async (series) => {
      for (const { metric, labels, value } of series) metrics.publish(metric, labels, value);
    },
    close: () => Promise.resolve(),
  };
});

describeNotifier('in memory', async () => {
  const notifier = fakeNotifier();
  return {
    notifier,
    received: async () => notifier.sent,
    refusing: (text) => Object.assign(fakeNotifier(), { refusesBecause: text }),
    close: () => Promise.resolve(),
  };
});
