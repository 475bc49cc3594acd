/**
 * `npm test`: the whole check of the repository. It sets up what it needs by itself; `npm test -- --help` explains.
 *
 * Guarantees: the first step that fails prints all that it said, and ends the check with exit code 1. The last line
 * counts the tests that this run has run, and the lines before it name the slowest test files.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT, setup, TSC } from './setup.mjs';

const HELP = `npm test                      the whole check, as it runs before every change is taken
npm test -- packages/lock     only the tests whose path contains the words given
npm test -- -t 'is refused'   only the tests whose name matches; other arguments, too, go to vitest

The whole check stops at the first step that fails; the first three run beside each other:
  format and lint   biome      npm run format repairs most of it
  build and types   tsc -b
  unused code       knip       files, exports and dependencies that nothing uses
  tests             vitest     they start real Redis servers on free ports, and stop them
  packaging         publint and npm pack, in test:full attw too: what users would get from the registry

A test that fails beside all others is run again, twice, with nothing beside it. Where it passes both times the check
passes, and says that the test is flaky: that is a defect, of the test or of what it tests, and is to be mended next.

Missing dependencies, a Redis server and a Chromium, where there are none, are installed first.`;

/** How many of the slowest test files are named. */
const SLOWEST = 8;
/** With more failed files than these, it is not chance. */
const MOST_FLAKY = 3;
const RESULTS = join(ROOT, 'node_modules', '.cache', 'holdfast-tests.json');
const AGAIN = join(ROOT, 'node_modules', '.cache', 'holdfast-tests-again.json');
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

/** The test files that failed beside the others and passed twice alone, each with the tests that failed. */
let flaky = [];

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  console.log(HELP);
} else if (args.length > 0) {
  setup({ tests: true });
  runTests(args);
  console.log(`\n${count()}`);
} else {
  setup({ tests: true });
  await Promise.all([
    step('format and lint', () => call(bin('biome'), ['ci', '--error-on-warnings', '.'])),
    step('build and types', () => call(TSC[0], TSC.slice(1))),
    step('unused code', () => call(bin('knip'), ['--no-progress', '--treat-config-hints-as-errors'])),
  ]);
  await step('tests', async () => runTests([], true));
  await step('packaging', () => Promise.all(publicPackages().map(checkPackage)));
  console.log(`\n${slowest()}`);
  if (flaky.length > 0)
    console.log(['', 'FLAKY, passed twice alone; mend these next:', ...flaky].join('\n  '));
  console.log(`\n${count()}`);
}

async function step(name, work) {
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  try {
    await work();
  } catch (error) {
    console.error(`${name}: FAILED after ${seconds()}\n${error.message}`);
    process.exit(1);
  }
  console.log(`${name}: ok (${seconds()})`);
}

/** Runs a program quietly. Resolves to its output, or rejects with all that it said. */
function call(program, args, cwd = ROOT) {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      said[name] += text;
    });
  }
  const command = [program.split('/').at(-1), ...args].join(' ');
  return new Promise((resolve, reject) => {
    const failed = (why) => reject(new Error(`${command}, in ${cwd}:\n${why}${said.stdout}${said.stderr}`));
    child.once('error', (error) => failed(`${error.message}\n`));
    child.once('close', (status, signal) => {
      if (status === 0) resolve(said.stdout);
      else failed(signal === null ? '' : `ended by ${signal}\n`);
    });
  });
}

/**
 * Shows the tests as they run. The count stays the last line also when some fail. `isBuilt`: the build is that of the
 * sources, so that tests may start what was built, which takes less time.
 */
function runTests(words, isBuilt = false) {
  if (vitest(words, RESULTS, isBuilt)) return;
  if (isBuilt && passAlone()) return;
  console.error(`tests: FAILED; vitest says above what happened\n\n${count()}`);
  process.exit(1);
}

function vitest(words, results, isBuilt) {
  rmSync(results, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const { status } = spawnSync(bin('vitest'), ['run', ...reporters, ...words], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, HOLDFAST_BUILT: isBuilt ? '1' : '' },
  });
  return status === 0;
}

/** Whether the few files that failed pass twice with nothing beside them: so the failure was one of timing, and is told. */
function passAlone() {
  if (!existsSync(RESULTS)) return false;
  const { testResults } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const failed = testResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0 || failed.length > MOST_FLAKY) return false;
  const files = failed.map(({ name }) => relative(ROOT, name));
  console.error(`\ntests: ${files.join(', ')} failed beside the others; run twice alone:`);
  if (!vitest(files, AGAIN, true) || !vitest(files, AGAIN, true)) return false;
  flaky = failed.map(({ name, assertionResults }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    return [relative(ROOT, name), ...tests.map(({ fullName }) => fullName)].join('\n    ');
  });
  return true;
}

/** A file that could not even be loaded counts as one failed test. */
function count() {
  if (!existsSync(RESULTS)) return '0 passed, 0 failed';
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const unread = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failed = numFailedTests + unread.length;
  return flaky.length > 0
    ? `${numPassedTests + failed} passed, 0 failed`
    : `${numPassedTests} passed, ${failed} failed`;
}

/** The test files that took the longest, in a run of several at a time. */
function slowest() {
  const { testResults } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const files = testResults
    .map(({ name, startTime, endTime }) => ({
      name: relative(ROOT, name),
      seconds: (endTime - startTime) / 1000,
    }))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, SLOWEST);
  const lines = files.map(({ name, seconds }) => `  ${seconds.toFixed(1).padStart(5)} s  ${name}`);
  return ['the slowest test files, run beside others:', ...lines].join('\n');
}

function publicPackages() {
  const folders = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name));
  return folders.filter(
    (folder) => existsSync(join(folder, 'package.json')) && readManifest(folder).private !== true,
  );
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** What a user would get from the registry: entry points that resolve, all files, and none too many. */
async function checkPackage(folder) {
  await call(bin('publint'), ['--strict', '--pack', 'npm'], folder);
  if (process.env.HOLDFAST_TESTS === 'full')
    await call(bin('attw'), ['--pack', '--profile', 'esm-only'], folder);
  const [packed] = JSON.parse(await call('npm', ['pack', '--dry-run', '--json'], folder));
  const files = packed.files.map(({ path }) => path);
  const lua = existsSync(join(folder, 'lua')) ? readdirSync(join(folder, 'lua')) : [];
  const missing = ['README.md', 'LICENSE', ...lua.map((file) => `lua/${file}`)].filter(
    (file) => !files.includes(file),
  );
  const superfluous = files.filter((file) => isSuperfluous(file, files));
  if (missing.length + superfluous.length === 0) return;
  throw new Error(
    `The package of ${readManifest(folder).name} ` +
      `lacks [${missing.join(', ')}] and must not contain [${superfluous.join(', ')}].`,
  );
}

/** Tests, traces of the build, and what was built from a source that is gone. */
function isSuperfluous(file, files) {
  if (/(^|\/)test\/|\.test\.|\.tsbuildinfo$/.test(file)) return true;
  if (file.startsWith('dist/dashboard/')) return file.endsWith('.map'); // what vite has made of other sources
  const built = /^dist\/(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(file);
  return built !== null && !files.includes(`src/${built[1]}.ts`);
}
