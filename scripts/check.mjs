/**
 * `npm test`: the whole check of the repository, each step setting up what it needs.
 *
 *   npm test                    everything
 *   npm test -- packages/lock   only the tests whose path contains the words given
 *
 * Guarantees: the first step that fails prints all that it said and ends the check with exit code 1. The last line
 * counts the tests.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, setup } from './setup.mjs';

const RESULTS = join(ROOT, 'node_modules', '.cache', 'holdfast-tests.json');
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

const filters = process.argv.slice(2);
if (filters.includes('--help')) {
  console.log('npm test                    the whole check');
  console.log('npm test -- packages/lock   only the tests whose path contains the words given');
} else {
  setup();
  if (filters.length === 0) {
    step('format and lint', bin('biome'), ['ci', '--error-on-warnings', '.']);
    step('build and types', bin('tsc'), ['-b']);
    step('unused code', bin('knip'), ['--no-progress']);
  }
  runTests(filters);
  if (filters.length === 0) for (const folder of publicPackages()) checkPackage(folder);
  count();
}

function step(name, program, args, cwd = ROOT) {
  const began = performance.now();
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(
      `${name}: FAILED after ${seconds} s\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`,
    );
    process.exit(1);
  }
  console.log(`${name}: ok (${seconds} s)`);
  return stdout;
}

function runTests(words) {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
  const { status } = spawnSync(bin('vitest'), ['run', ...reporters, ...words], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status === 0) return;
  count();
  process.exit(1);
}

function publicPackages() {
  const folders = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name));
  return folders.filter((folder) => existsSync(join(folder, 'package.json')));
}

/** What a user would get from the registry: entry points that resolve, all files, and none too many. */
function checkPackage(folder) {
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  step(`packaging of ${name}`, bin('publint'), ['--strict', '--pack', 'npm'], folder);
  step(`types of ${name}`, bin('attw'), ['--pack', '--profile', 'esm-only'], folder);
  const [packed] = JSON.parse(step(`files of ${name}`, 'npm', ['pack', '--dry-run', '--json'], folder));
  const files = packed.files.map(({ path }) => path);
  const lua = join(folder, 'lua');
  const wanted = [
    'README.md',
    'LICENSE',
    ...(existsSync(lua) ? readdirSync(lua).map((file) => `lua/${file}`) : []),
  ];
  const missing = wanted.filter((file) => !files.includes(file));
  const superfluous = files.filter((file) => /(^|\/)test\/|\.tsbuildinfo$/.test(file));
  if (missing.length + superfluous.length === 0) return;
  console.error(`${name}: the package lacks [${missing}] and must not contain [${superfluous}]`);
  process.exit(1);
}

function count() {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  console.log(`\n${numPassedTests} passed, ${numFailedTests} failed`);
}
