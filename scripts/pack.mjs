/**
 * `npm run pack`: one tarball of every package in `tarballs/`, for projects that use Holdfast before it is published.
 *
 * Guarantees: the tarballs are those of the sources as they are now, and no earlier ones lie beside them. Prints how a
 * project installs them. If a package cannot be packed, it says why, and the exit code is 1.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, setup } from './setup.mjs';

const FOLDER = join(ROOT, 'tarballs');

setup({ build: true, redis: false });
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
const packages = readdirSync(join(ROOT, 'packages')).filter((name) =>
  existsSync(join(ROOT, 'packages', name, 'package.json')),
);
const workspaces = packages.flatMap((name) => ['--workspace', `packages/${name}`]);
const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', FOLDER, ...workspaces];
const { status, error, stdout, stderr } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
if (status !== 0) {
  console.error(`npm ${args.join(' ')}:\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`);
  process.exit(1);
}
console.log(`${stdout.trim()}\n\nIn the folder of your project:\n  npm install ${FOLDER}/*.tgz ioredis`);
