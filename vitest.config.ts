import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { numbersVariable } from './test/campaigns/numbers.js';

const here = import.meta.dirname;

// Tests write configurations; one that everybody may write is refused.
process.umask(0o022);

/** Real parts on a busy machine start ten times slower than on an idle one. */
const readiness = 120_000;

/** Folders of test/ that need more than this process. */
const workflows = ['test/workflows/**/*.test.ts', 'test/replay/**/*.test.ts', 'test/testing/*.test.ts'];
const contracts = ['test/contracts/**/*.test.ts', 'test/stack/**/*.test.ts', 'test/trainers/**/*.test.ts'];
const endToEnd = ['test/e2e/**/*.test.ts'];
/** Not a part of `npm test`: see docs/faults.md. */
const campaigns = ['test/campaigns/**/*.campaign.ts'];
/** Then the results are the campaign's; those of `npm test` stay as they are. */
const inCampaign = process.env[numbersVariable] !== undefined;

/**
 * How many files run side by side. Most files of the real stack wait for something most of the time, so two processors carry more
 * lanes than there are processors.
 */
const lanes = Number(process.env['SLIPWAY_TEST_LANES'] ?? Math.max(4, availableParallelism()));

/** Files that wait begin first, and what needs a processor fills their pauses; of one project the longest of the last run begin first. */
const order = ['campaigns', 'e2e', 'contracts', 'workflows', 'unit'];
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification): number => order.indexOf(project.name);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** Files of these projects share the servers of `test/stack-fixture.ts`. */
const onTheStack = {
  globalSetup: ['test/stack-fixture.ts'],
  testTimeout: readiness,
  hookTimeout: readiness,
};

export default defineConfig({
  resolve: {
    // Pipelines import the package by its own name; tests see the source.
    alias: [
      { find: /^slipway\/testing$/, replacement: resolve(here, 'testing/index.ts') },
      { find: /^slipway\/config$/, replacement: resolve(here, 'config/index.ts') },
      { find: /^slipway$/, replacement: resolve(here, 'authoring/index.ts') },
    ],
  },
  test: {
    // Its default is a second.
    expect: { poll: { timeout: readiness } },
    maxWorkers: lanes,
    sequence: { sequencer: WaitingFirst },
    reporters: inCampaign
      ? ['default', ['json', { outputFile: '.slipway/campaign-tests.json' }]]
      : ['default', './test/slowest-files.ts', ['json', { outputFile: '.slipway/test-results.json' }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...workflows, ...contracts, ...endToEnd],
          testTimeout: readiness,
          hookTimeout: readiness,
        },
      },
      { extends: true, test: { name: 'workflows', include: workflows, ...onTheStack } },
      { extends: true, test: { name: 'contracts', include: contracts, ...onTheStack } },
      { extends: true, test: { name: 'e2e', include: endToEnd, ...onTheStack, testTimeout: 3 * readiness } },
      ...(inCampaign
        ? [{ extends: true as const, test: { name: 'campaigns', include: campaigns, ...onTheStack } }]
        : []),
    ],
  },
});
