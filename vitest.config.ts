/** One configuration for every test: packages resolve to their TypeScript sources, nothing retries. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['@holdfast/source', 'node'] },
  ssr: { resolve: { conditions: ['@holdfast/source', 'node'] } },
  test: {
    include: ['{packages/*,examples,simulation,faults}/test/**/*.test.ts', 'scripts/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
    passWithNoTests: false,
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
