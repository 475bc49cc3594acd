/**
 * `npm run image`: packs the packages and builds the image of deploy/Dockerfile, with docker, podman or buildah.
 * `npm run image -- --help` explains.
 *
 * Guarantees: the image is that of the sources as they are now. It ends with the size of the image where skopeo can tell
 * it. Throws an error that shows the command that failed, and the exit code is 1.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './setup.mjs';

const HELP = `npm run image                            builds localhost/holdfast with docker, podman or buildah
npm run image -- --tag registry/holdfast:1
npm run image -- --local-base            on a base made of Debian's packages and this machine's Node,
                                         by buildah as root, for machines without a registry of images
npm run image -- --output ./image        also writes it as an OCI layout, and shows its size by skopeo`;

/** What a Node program needs of Debian, and a shell for the build. */
const DEBIAN = 'dash,coreutils,sed,grep,libc-bin,libstdc++6,base-files,base-passwd,passwd,ca-certificates';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Without a daemon and without user namespaces. */
const OF_BUILDAH = ['--isolation', 'chroot', '--storage-driver', 'vfs', '--format', 'docker'];

const { values } = parseArgs({
  options: {
    tag: { type: 'string', default: 'localhost/holdfast' },
    'local-base': { type: 'boolean', default: false },
    output: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) console.log(HELP);
else build(values);

function build({ tag, 'local-base': local, output }) {
  run('npm', ['run', 'pack']);
  const base = local ? ['--build-arg', `BASE=${localBase()}`] : [];
  const builder = local || output ? 'buildah' : ['docker', 'podman', 'buildah'].find(isThere);
  if (!builder) throw new Error('There is no docker, podman or buildah on PATH; install one of them.');
  const how = builder === 'buildah' ? ['build', ...OF_BUILDAH, ...ownNetwork(), '--layers=false'] : ['build'];
  run(builder, [...how, ...base, '--tag', tag, '--file', 'deploy/Dockerfile', '.']);
  if (output) {
    rmSync(output, { recursive: true, force: true });
    run('buildah', ['push', '--storage-driver', 'vfs', tag, `oci:${output}:latest`]);
    console.log(`\n${size(output)}`);
  }
}

/** The certificates and the cache of npm that this machine has, for the build only. */
function ownNetwork() {
  const cache = join(homedir(), '.npm');
  mkdirSync(cache, { recursive: true });
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  return [
    ...['--volume', `${cache}:/tmp/npm`],
    ...(certificates ? ['--build-arg', `NODE_EXTRA_CA_CERTS=${certificates}`] : []),
    ...(certificates
      ? ['--volume', `${dirname(realpathSync(certificates))}:${dirname(certificates)}:ro`]
      : []),
  ];
}

/** An image of Debian's packages, this Node and its npm. Returns its name. */
function localBase() {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-base-'));
  try {
    run('mmdebstrap', ['--quiet', '--variant=extract', `--include=${DEBIAN}`, 'bookworm', folder]);
    const bin = join(folder, 'usr/local/bin');
    mkdirSync(bin, { recursive: true });
    cpSync(process.execPath, join(bin, 'node'));
    const modules = output('npm', ['root', '--global']).trim();
    const npm = join(folder, 'usr/local/lib/node_modules/npm');
    cpSync(join(modules, 'npm'), npm, { recursive: true });
    run('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm')]);
    const container = output('buildah', ['from', '--storage-driver', 'vfs', 'scratch']).trim();
    try {
      run('buildah', ['copy', '--quiet', '--storage-driver', 'vfs', container, folder, '/']);
      run('buildah', ['config', '--storage-driver', 'vfs', '--env', `PATH=${PATH}`, container]);
      run('buildah', ['commit', '--quiet', '--storage-driver', 'vfs', container, 'localhost/holdfast-base']);
    } finally {
      run('buildah', ['rm', '--storage-driver', 'vfs', container]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 'localhost/holdfast-base';
}

/** What a registry would store of it. */
function size(folder) {
  if (!isThere('skopeo')) return 'skopeo is not here to tell the size of the image.';
  const { layers } = JSON.parse(output('skopeo', ['inspect', '--raw', `oci:${folder}:latest`]));
  const bytes = layers.reduce((sum, layer) => sum + layer.size, 0);
  return `${(bytes / 1e6).toFixed(1)} MB in ${layers.length} compressed layers`;
}

function isThere(program) {
  return PATH.split(':').some((folder) => existsSync(join(folder, program)));
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0)
    throw new Error(`${[program, ...args].join(' ')}: ${error?.message ?? `exit code ${status}`}`);
}

function output(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${[program, ...args].join(' ')}:\n${error?.message ?? ''}${stderr ?? ''}`);
}
