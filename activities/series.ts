import type { Metrics } from '../adapters/metrics/port.js';
import { selector } from '../plan/metric-selector.js';
import type { Router } from '../adapters/router/port.js';
import { shortDigest } from '../plan/artifact.js';
import type { Series } from '../plan/messages.js';
import type { Endpoint, RolloutOutput } from '../plan/outputs.js';

const windowText = '10s';
const marginMs = 15_000;
const mostPoints = 600;

/** What the plots of a rollout show: weight over time, and per version rates, confidence and latency. */
export async function rolloutSeries(metrics: Metrics, router: Router, rollout: RolloutOutput): Promise<Series[]> {
  const from = new Date(Date.parse(rollout.startedAt) - marginMs).toISOString();
  const to = rollout.endedAt;
  const span = (Date.parse(to) - Date.parse(from)) / 1_000;
  const step = Math.max(1, Math.ceil(span / mostPoints));
  const all: Series[] = [weightSeries(rollout)];
  for (const endpoint of [rollout.champion, rollout.candidate]) {
    if (endpoint === null) continue;
    for (const [name, expression] of expressions(endpoint, router)) {
      const [line] = await metrics.range(expression, from, to, step);
      if (line !== undefined) all.push({ name, version: endpoint.version, points: line.points });
    }
  }
  return all;
}

/** The candidate's weight as a step function. */
function weightSeries(rollout: RolloutOutput): Series {
  const points = rollout.steps.flatMap((s): [number, number][] => [
    [Date.parse(s.startedAt) / 1_000, s.weight],
    [Date.parse(s.endedAt) / 1_000, s.weight],
  ]);
  const end = rollout.outcome === 'promoted' ? 100 : 0;
  return {
    name: 'weight',
    version: rollout.version,
    points: [[Date.parse(rollout.startedAt) / 1_000, 0], ...points, [Date.parse(rollout.endedAt) / 1_000, end]],
  };
}

function expressions(endpoint: Endpoint, router: Router): [Series['name'], string][] {
  const model = { service: endpoint.service, version: endpoint.version, digest: shortDigest(endpoint.sha256) };
  const route = router.labels(endpoint);
  const grown = (metric: string, labels: Record<string, string>) =>
    `sum(increase(${selector(metric, labels)}[${windowText}]))`;
  const total = grown('slipway_predictions_total', model);
  return [
    ['fallback-rate', `${grown('slipway_prediction_fallback_total', model)} / ${total}`],
    ['mean-confidence', `${grown('slipway_prediction_confidence_total', model)} / ${total}`],
    [
      'p95-ms',
      `histogram_quantile(0.95, sum by (le) (rate(${selector('envoy_cluster_upstream_rq_time_bucket', route)}[${windowText}])))`,
    ],
    ['request-rate', `sum(rate(${selector('envoy_cluster_upstream_rq_total', route)}[${windowText}]))`],
  ];
}
