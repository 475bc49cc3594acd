/**
 * Sets up a fresh clone: dependencies, a Redis server, and a build where one is asked for. Plain Node, because nothing
 * is installed yet.
 *
 * Guarantees: a step that has nothing to do is silent and quick. A step that fails prints all that it said, and what to
 * do, and ends the program with exit code 1.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const STAMP = join(ROOT, 'node_modules', '.cache', 'holdfast-lock-hash');

/** The system's package managers that know a Redis server, in the order in which they are tried. */
const INSTALLERS = [
  {
    program: 'apt-get',
    commands: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-server'],
    ],
  },
  { program: 'dnf', commands: [['dnf', 'install', '-y', 'redis']] },
  { program: 'apk', commands: [['apk', 'add', 'redis']] },
  { program: 'pacman', commands: [['pacman', '-S', '--noconfirm', 'valkey']] },
  { program: 'brew', commands: [['brew', 'install', 'redis']] },
];

/** Makes the clone ready to run. */
export function setup({ build = false } = {}) {
  requireNode();
  installDependencies();
  installRedis();
  if (build) run('Building', [process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-b']);
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 11)) return;
  fail(
    `Holdfast needs Node 20.11 or later; this is ${process.version}. Install one from https://nodejs.org.`,
  );
}

/** Installs what the lock file says, unless it was installed from the lock file as it is now. */
function installDependencies() {
  const hash = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) return;
  run('Installing dependencies', ['npm', 'install', '--no-save', '--no-audit', '--no-fund']);
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, hash);
}

function installRedis() {
  if (process.env.HOLDFAST_REDIS_SERVER || onPath('redis-server') || onPath('valkey-server')) return;
  const installer = INSTALLERS.find(({ program }) => onPath(program));
  const advice =
    'Install redis-server or valkey-server, or name one in HOLDFAST_REDIS_SERVER, and try again.';
  if (!installer)
    fail(`There is no Redis server on this machine, and no package manager that is known. ${advice}`);
  const asRoot = process.getuid?.() === 0 || installer.program === 'brew' ? [] : ['sudo', '-n'];
  for (const command of installer.commands) {
    // RUNLEVEL keeps Debian's package from starting a Redis of its own as a service.
    run(`Installing a Redis server (${command.join(' ')})`, [...asRoot, ...command], advice);
  }
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(what, [program, ...args], advice = '') {
  console.log(`${what} ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, env, encoding: 'utf8' });
  if (status === 0) return;
  fail(`${what} failed: ${error?.message ?? `exit code ${status}`}\n${stdout ?? ''}${stderr ?? ''}${advice}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
