/**
 * Other Redis servers and other Nodes than those of this machine, for `npm run test:full`. Installed when asked for, in a
 * folder that npm and git leave alone.
 *
 * Guarantees: what is there already is used again. Nothing is installed into the system, except mmdebstrap where it is
 * missing. Throws an error that says what to do.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

const FOLDER = join(ROOT, '.holdfast', 'others');

/** Of Debian, the one that has Redis 8.0 and Valkey 8.1. */
const SUITE = 'trixie';

/** The path of a program that runs `name`, redis-server or valkey-server, of Debian's next release. */
export function debianServer(name) {
  const root = join(FOLDER, SUITE);
  if (!existsSync(root)) extract(root);
  const libraries = join(root, 'usr/lib');
  const [architecture] = readdirSync(libraries).filter((entry) => entry.endsWith('-linux-gnu'));
  const folder = join(libraries, architecture);
  // Its own loader and libraries: those of this machine are older.
  const [loader] = readdirSync(folder).filter((entry) => /^ld-linux.*\.so/.test(entry));
  const program = join(FOLDER, name);
  const words = [join(folder, loader), '--library-path', folder, join(root, 'usr/bin', name)];
  writeFileSync(program, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

function extract(root) {
  if (spawnSync('mmdebstrap', ['--version']).status !== 0) {
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'mmdebstrap']);
  }
  mkdirSync(FOLDER, { recursive: true });
  const making = `${root}.${process.pid}`;
  run('mmdebstrap', ['--variant=extract', '--include=redis-server,valkey-server', SUITE, making]);
  renameSync(making, root);
}

/** The path of the latest Node of a major version, from the npm package that has it for this system. */
export function nodeOf(major) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(FOLDER, `node-${major}`);
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(program)) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('npm', [
    'install',
    '--prefix',
    folder,
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    `${name}@${major}`,
  ]);
  if (!existsSync(program)) throw new Error(`${name}@${major} has no ${program}.`);
  return program;
}

function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return;
  const command = [program, ...args].join(' ');
  throw new Error(`${command}:\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`);
}
