/**
 * `npm run release -- 0.2.0`: gives all packages, the clients and the chart one version, and the changelog its section; commits
 * that, and tags it. `--dry-run` changes nothing, and shows what would change and what each package would contain.
 * `--publish`, in CI alone, publishes what is tagged.
 *
 * Guarantees: nothing is changed before all has been checked: the tree is clean, the version is later, the changelog says what is
 * new, and no published package needs a private one. Publishing has no token: npm trusts the workflow by OIDC, and signs the
 * provenance of each package.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planOf, publishedOf, WITH_VERSION } from './release/plan.mjs';
import { ROOT, setup } from './setup.mjs';

const words = process.argv.slice(2);
const [version] = words.filter((word) => !word.startsWith('--'));
const isDry = words.includes('--dry-run');

try {
  if (words.includes('--publish')) publish();
  else release();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function release() {
  if (version === undefined)
    throw new Error('Which version? npm run release -- 0.2.0, with --dry-run to see what would change.');
  const manifests = packages();
  const published = publishable(manifests);
  const { version: from } = manifests[0];
  const files = Object.fromEntries(paths().map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
  const changed = planOf(files, { from, to: version, day: new Date().toISOString().slice(0, 10) });
  if (!isDry && run('git', ['status', '--porcelain']) !== '')
    throw new Error('The tree has changes that are not committed; a release is what was checked.');
  console.log(`${from} -> ${version}\n${Object.keys(changed).join('\n')}\n`);
  console.log(`Published, in this order: ${published.join(', ') || 'none'}\n`);
  if (isDry) {
    setup({ build: true, redis: false });
    const folders = folderNames().flatMap((name) => ['--workspace', `packages/${name}`]);
    console.log(run('npm', ['pack', '--dry-run', '--ignore-scripts', ...folders], 'inherit'));
    return;
  }
  for (const [path, text] of Object.entries(changed)) writeFileSync(join(ROOT, path), text);
  run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund']);
  run('git', ['add', 'package-lock.json', ...Object.keys(changed)]);
  run('git', ['commit', '-m', `Release ${version}`]);
  run('git', ['tag', `v${version}`]);
  console.log(
    `Tagged v${version}. Run the whole check, then push the tag; CI publishes it with "npm run release -- --publish".`,
  );
}

/** The names of what would be published. A dry run says what keeps that from being so, and goes on. */
function publishable(manifests) {
  try {
    return publishedOf(manifests);
  } catch (error) {
    if (!isDry) throw error;
    console.log(`It would be refused: ${error.message}\n`);
    return [];
  }
}

function publish() {
  if (process.env.ACTIONS_ID_TOKEN_REQUEST_URL === undefined && process.env.NPM_ID_TOKEN === undefined)
    throw new Error('Only CI publishes, by OIDC: there is no token of npm, so none can be stolen.');
  const { version: own } = packages()[0];
  const tag = run('git', ['describe', '--exact-match', '--tags']).trim();
  if (tag !== `v${own}`)
    throw new Error(`This is ${tag}, and the packages are ${own}: publish what is tagged.`);
  setup({ build: true, redis: false });
  const channel = own.includes('-') ? ['--tag', 'next'] : [];
  for (const name of publishedOf(packages()))
    run('npm', ['publish', '--provenance', '--access', 'public', ...channel, '--workspace', name], 'inherit');
}

function folderNames() {
  return readdirSync(join(ROOT, 'packages')).filter((name) =>
    existsSync(join(ROOT, 'packages', name, 'package.json')),
  );
}

function packages() {
  return folderNames().map((name) =>
    JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')),
  );
}

/** The files of which some text depends on the version. */
function paths() {
  const tracked = run('git', ['ls-files', '*package.json']).trim().split('\n');
  return [...tracked, 'CHANGELOG.md', ...WITH_VERSION];
}

function run(program, args, output = 'pipe') {
  return (
    execFileSync(program, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', output, 'inherit'] }) ?? ''
  );
}
