/**
 * Sets up a fresh clone: dependencies, a Redis server, and a build where one is asked for. Plain Node, because nothing
 * is installed yet. `node scripts/setup.mjs` does all of it; the other scripts call `setup` for what they need.
 *
 * Guarantees: a step that has nothing to do is silent and quick. What is installed is what the lock file names. A step
 * that fails prints all that it said, and what to do, and ends the program with exit code 1.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const DASHBOARD = join(ROOT, 'packages/server/dashboard');
const VITE = join(ROOT, 'node_modules/vite/bin/vite.js');

/** Builds all, or the packages whose folders follow. The native compiler: the one in JavaScript takes twice its processor time. */
export const TSC = [process.execPath, join(ROOT, 'node_modules/typescript-native/bin/tsc'), '-b'];

/** The system's package managers, in the order in which they are tried, and how each installs what is needed. */
const INSTALLERS = {
  'apt-get': {
    redis: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-server'],
    ],
    browser: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium'],
    ],
    kafka: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'kafkacat'],
    ],
    python: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'python3'],
    ],
  },
  dnf: {
    redis: [['dnf', 'install', '-y', 'redis']],
    browser: [['dnf', 'install', '-y', 'chromium']],
    kafka: [],
    python: [['dnf', 'install', '-y', 'python3']],
  },
  yum: {
    redis: [['yum', 'install', '-y', 'redis']],
    browser: [['yum', 'install', '-y', 'chromium']],
    kafka: [],
    python: [['yum', 'install', '-y', 'python3']],
  },
  apk: {
    redis: [['apk', 'add', '--no-cache', 'redis']],
    browser: [['apk', 'add', '--no-cache', 'chromium']],
    kafka: [['apk', 'add', '--no-cache', 'kcat']],
    python: [['apk', 'add', '--no-cache', 'python3']],
  },
  pacman: {
    redis: [['pacman', '-Sy', '--noconfirm', 'valkey']],
    browser: [['pacman', '-Sy', '--noconfirm', 'chromium']],
    kafka: [],
    python: [['pacman', '-Sy', '--noconfirm', 'python']],
  },
  brew: {
    redis: [['brew', 'install', 'redis']],
    browser: [['brew', 'install', '--cask', 'chromium']],
    kafka: [['brew', 'install', 'kcat']],
    python: [['brew', 'install', 'python']],
  },
};

/** By which programs each is there, the variable that names another, and what to do where it cannot be installed. */
const NEEDED = {
  redis: {
    what: 'a Redis server',
    programs: ['redis-server', 'valkey-server'],
    variable: 'HOLDFAST_REDIS_SERVER',
    advice: 'Install redis-server or valkey-server, or give the path of one in HOLDFAST_REDIS_SERVER.',
  },
  kafka: {
    what: 'kcat, whose library brings a broker of Kafka for a test',
    programs: ['kcat'],
    variable: 'HOLDFAST_KCAT',
    advice: 'Install kcat 1.7 or later, or give the path of it in HOLDFAST_KCAT.',
  },
  python: {
    what: 'Python, for a test',
    programs: ['python3'],
    variable: 'HOLDFAST_PYTHON',
    advice: 'Install python3 3.10 or later, or give the path of it in HOLDFAST_PYTHON.',
  },
  browser: {
    what: 'a browser, for a test',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    variable: 'HOLDFAST_CHROMIUM',
    advice: 'Install chromium, or give the path of it in HOLDFAST_CHROMIUM.',
  },
};

/** RUNLEVEL keeps Debian's package from starting a Redis of its own as a service. */
const UNATTENDED = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };

/** Makes the clone ready to run; with `tests`, ready to be tested. */
export function setup({ build = false, redis = true, tests = false } = {}) {
  requireNode();
  installDependencies();
  generateClients();
  if (redis) install('redis');
  if (tests) install('browser');
  if (tests) install('kafka');
  if (tests) install('python');
  if (build) buildAll();
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 11)) return;
  fail(
    `Holdfast needs Node 20.11 or later; this is ${process.version}. Install one from https://nodejs.org.`,
  );
}

function installDependencies() {
  const wanted = readPackages('package-lock.json');
  if (differences(wanted).length === 0) return;
  run('Installing dependencies', ['npm', 'ci', '--no-audit', '--no-fund']);
  const left = differences(wanted);
  if (left.length === 0) return;
  fail(
    `node_modules is not what package-lock.json says:\n  ${left.join('\n  ')}\nRun npm install, and commit the lock file.`,
  );
}

/** How node_modules, as npm recorded it there, differs from the lock file. Times of files prove nothing in a clone. */
function differences(wanted) {
  const present = readPackages('node_modules/.package-lock.json');
  const paths = new Set([...Object.keys(wanted), ...Object.keys(present)]);
  paths.delete('');
  return [...paths].flatMap((path) => {
    const [want, have] = [wanted[path], present[path]];
    if (!want || !have) {
      if ((want ?? have).optional) return [];
      return [`${path} is ${have ? 'installed, but not in the lock file' : 'not installed'}`];
    }
    const same = want.version === have.version && want.integrity === have.integrity;
    return same ? [] : [`${path} is ${have.version}, not ${want.version}`];
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw error;
  }
}

/** What is generated from a schema, for an example. Prisma would fetch an engine for it that is not used: any program does. */
function generateClients() {
  if (isGenerated()) return;
  const cli = join(ROOT, 'node_modules/prisma/build/index.js');
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;
  const command = [
    process.execPath,
    cli,
    'generate',
    '--schema',
    'examples/prisma/schema.prisma',
    '--no-hints',
  ];
  run('Generating the client of an example', command);
}

/** Whether the client is there, from the schema as it is and by the Prisma that is installed. */
function isGenerated() {
  const [schema, generated] = [
    'examples/prisma/schema.prisma',
    'examples/src/generated/prisma/internal/class.ts',
  ];
  if (!existsSync(join(ROOT, generated))) return false;
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/prisma/package.json'), 'utf8'));
  const text = readFileSync(join(ROOT, generated), 'utf8');
  const inline = JSON.stringify(readFileSync(join(ROOT, schema), 'utf8'));
  return text.includes(`"clientVersion": "${version}"`) && text.includes(inline);
}

function install(name) {
  const { what, programs, variable, advice } = NEEDED[name];
  const chosen = process.env[variable];
  if (chosen && !isExecutable(chosen)) {
    fail(`${variable} names "${chosen}", which is not a program that can be run. ${advice}`);
  }
  if (chosen || programs.some(onPath)) return;
  const installer = Object.keys(INSTALLERS).find(onPath);
  if (!installer) fail(`There is not ${what} here, and no package manager that is known. ${advice}`);
  for (const command of INSTALLERS[installer][name]) {
    run(`Installing ${what} (${command.join(' ')})`, [...asRoot(installer), ...command], advice);
  }
  if (!programs.some(onPath))
    fail(`${installer} has installed no ${programs.join(' or ')} on PATH. ${advice}`);
}

function asRoot(installer) {
  if (installer === 'brew' || process.getuid?.() === 0) return [];
  // sudo drops the environment.
  return ['sudo', '-n', 'env', ...Object.entries(UNATTENDED).map(([name, value]) => `${name}=${value}`)];
}

function buildAll() {
  const plan = spawnSync(TSC[0], [...TSC.slice(1), '--dry'], { cwd: ROOT, encoding: 'utf8' });
  if (plan.status !== 0 || plan.stdout.includes('would ')) run('Building', TSC);
  if (newest(join(DASHBOARD, 'src')) < newest(join(DASHBOARD, '../dist/dashboard'))) return;
  run('Building the dashboard', [process.execPath, VITE, 'build', DASHBOARD]);
}

/** When a file of a folder was last written; 0 if there is none. */
function newest(folder) {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true }).map((path) => join(folder, path));
  return Math.max(0, ...files.map((path) => statSync(path).mtimeMs));
}

const onPath = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)));

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function run(what, [program, ...args], advice = '') {
  console.log(`${what} ...`);
  const env = { ...process.env, ...UNATTENDED };
  const options = { cwd: ROOT, env, encoding: 'utf8', maxBuffer: Number.POSITIVE_INFINITY };
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, options);
  if (status === 0) return;
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
  fail(`${what} failed: ${reason}\n${stdout ?? ''}${stderr ?? ''}${advice}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup({ build: true });
