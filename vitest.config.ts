/**
 * One configuration for every test: packages resolve to their TypeScript sources, in `npm test` to what was built of them.
 * No test retries; scripts/check.mjs says what it does with one that fails only beside the others.
 *
 * Test files run in parallel, two for each core, because much of their time they wait for servers and for leases to
 * expire; with more, they wait for the processor. A test therefore never asserts how long something took, and waits long
 * enough for a busy machine.
 *
 * The files that a process runs share its modules, because loading them anew for each file takes a quarter of the
 * processor's time. A file that sets something for its whole process, such as OpenTelemetry's provider, has a process of
 * its own: it is named here.
 *
 * A file named `*.full.test.ts` takes too long for every change: it is run by `npm run test:full` alone.
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';

/** They register a provider of OpenTelemetry, which a process does once. */
const OF_THEIR_OWN = ['packages/*/test/telemetry.test.ts'];

/** What only `npm run test:full` runs. */
const LONG = process.env['HOLDFAST_TESTS'] === 'full' ? [] : ['**/*.full.test.ts'];

/** The folder of other versions of the clients that users bring, for `npm run test:full -- peers-5`. */
const PEERS = process.env['HOLDFAST_PEERS'];
const alias =
  PEERS === undefined
    ? []
    : ['ioredis', 'redis'].map((name) => ({
        find: new RegExp(`^${name}$`),
        replacement: createRequire(join(PEERS, 'x.js')).resolve(name),
      }));

/**
 * `npm test` has built everything before, and tests what it has built, which Node loads by itself: no process needs to rewrite each
 * file of the sources for itself, and nothing is called through what they are rewritten to. Other clients are put in the place of
 * those that the sources import.
 */
const isBuilt = process.env['HOLDFAST_BUILT'] === '1' && PEERS === undefined;
const conditions = isBuilt ? ['node'] : ['@holdfast/source', 'node'];
const BUILT = /\/(?:packages\/[^/]+|simulation|faults|examples)\/dist\//;

/** A test that imports a source gets what was built of it, as everything else does: else there would be two of each class. */
const built: Plugin = {
  name: 'holdfast-built',
  enforce: 'pre',
  async resolveId(id, importer, options) {
    const found = await this.resolve(id, importer, { ...options, skipSelf: true });
    const source = /^(.*\/(?:packages\/[^/]+|simulation|faults|examples))\/src\/(.*)\.ts$/.exec(
      found?.id ?? '',
    );
    return source ? `${source[1]}/dist/${source[2]}.js` : null;
  },
};

export default defineConfig({
  plugins: isBuilt ? [built] : [],
  resolve: { conditions, alias },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    server: { deps: { external: isBuilt ? [BUILT] : [] } },
    maxWorkers: 2 * availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 45_000 } },
    retry: 0,
    passWithNoTests: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: [
            '{packages/*,examples,simulation,faults,deploy}/test/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude: [...OF_THEIR_OWN, ...LONG],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: OF_THEIR_OWN } },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
