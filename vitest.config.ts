import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
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

/** One file after the other: they share servers and two cores. Each project follows the one before. */
const serial = (groupOrder: number, ...globalSetup: string[]) => ({
  fileParallelism: false,
  globalSetup: ['test/stack-fixture.ts', ...globalSetup],
  testTimeout: readiness,
  hookTimeout: readiness,
  sequence: { groupOrder },
});

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
      { extends: true, test: { name: 'workflows', include: workflows, ...serial(1) } },
      { extends: true, test: { name: 'contracts', include: contracts, ...serial(2) } },
      { extends: true, test: { name: 'e2e', include: endToEnd, ...serial(3, 'test/e2e/project-setup.ts') } },
      ...(inCampaign
        ? [
            {
              extends: true as const,
              test: { name: 'campaigns', include: campaigns, ...serial(4, 'test/e2e/project-setup.ts') },
            },
          ]
        : []),
    ],
  },
});
