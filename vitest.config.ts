/**
 * One configuration for every test: packages resolve to their TypeScript sources, nothing retries.
 *
 * Test files run in parallel, three for each core, because most of their time they wait for servers and for leases to
 * expire. A test therefore never asserts how long something took, and waits long enough for a busy machine.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@holdfast/source', 'node'] },
  ssr: { resolve: { conditions: ['@holdfast/source', 'node'] } },
  test: {
    include: ['{packages/*,examples,simulation,faults}/test/**/*.test.ts', 'scripts/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 3 * availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    retry: 0,
    passWithNoTests: false,
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
