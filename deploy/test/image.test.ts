/**
 * The image of deploy/Dockerfile, built for real by buildah, runs as it says: not as root, from read-only files, and small.
 * It takes two minutes, as root on Linux, so it is a test of `npm run test:full`; what the file says is tested always.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianProgram } from '../../scripts/others.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
/** Of the layers as a registry stores them, in MB. */
const BUDGET = 80;
const TAG = 'localhost/holdfast-test';

function call(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  expect(status, `${program} ${args.join(' ')}:\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

it('nothing but tarballs gets into the image', () => {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual(['*', '!tarballs/*.tgz', '!package-lock.json', '!deploy/pinned.mjs']);
});

it('what is installed into the image has the versions of the lock file', () => {
  const { overrides, dependencies } = JSON.parse(call('node', 'deploy/pinned.mjs', 'package-lock.json'));
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  expect(overrides['ioredis']).toBe(packages['node_modules/ioredis'].version);
  expect(dependencies['@grpc/grpc-js']).toBe(packages['node_modules/@grpc/grpc-js'].version);
  expect(Object.keys(overrides).filter((name) => name.includes('holdfast'))).toEqual([]);
});

if (process.env['HOLDFAST_TESTS'] === 'deploy') {
  describe('the image', () => {
    let folder = '';
    let built = '';
    let container = '';
    const buildah = (verb: string, ...args: readonly string[]) =>
      call('buildah', verb, '--storage-driver', 'vfs', ...args);
    const runs = (...args: readonly string[]) => [
      ...['run', '--storage-driver', 'vfs', '--isolation', 'chroot', container, '--'],
      ...['node', '/app/node_modules/holdfast/bin/holdfast.js', ...args],
    ];
    const inside = (...args: readonly string[]) =>
      buildah('run', '--isolation', 'chroot', container, '--', ...args);

    beforeAll(() => {
      for (const program of ['buildah', 'skopeo', 'mmdebstrap']) debianProgram(program);
      folder = mkdtempSync(join(tmpdir(), 'holdfast-image-'));
      built = call(
        'npm',
        'run',
        'image',
        '--',
        '--local-base',
        '--tag',
        TAG,
        '--output',
        join(folder, 'image'),
      );
      container = buildah('from', TAG).trim();
    }, 600_000);
    afterAll(() => {
      if (container) buildah('rm', container);
      buildah('rmi', TAG);
      rmSync(folder, { recursive: true, force: true });
    });

    it('has the packages in the versions of this repository, and no tests', () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/holdfast/package.json'), 'utf8'));
      expect(inside('node', '/app/node_modules/holdfast/bin/holdfast.js', '--version')).toContain(version);
      const installed = JSON.parse(
        inside(
          'node',
          '-p',
          "JSON.stringify(require('fs').readdirSync('/app/node_modules', { recursive: true }))",
        ),
      ) as string[];
      expect(installed.filter((path) => /holdfast.*(\/test\/|\.test\.)/.test(path))).toEqual([]);
    });

    it('runs as a user that is not root, and can write to /data alone', () => {
      expect(inside('node', '-p', 'process.getuid()').trim()).toBe('10001');
      inside('node', '-e', "require('fs').writeFileSync('/data/file', '')");
      const elsewhere =
        "try { require('fs').writeFileSync('/app/file', ''); } catch (error) { console.log(error.code); }";
      expect(inside('node', '-e', elsewhere).trim()).toBe('EACCES');
    });

    it('refuses to serve everybody who reaches it', () => {
      const { status, stderr } = spawnSync('buildah', runs('serve', '--port', '0'), { encoding: 'utf8' });
      expect(status, stderr).not.toBe(0);
      expect(stderr).toMatch(/a file of keys/);
    });

    it('serves, is healthy by its own check, and stops when it is told to', async () => {
      const port = String(await freePort());
      const serving = spawn('buildah', runs('serve', '--insecure', '--drain', '0s', '--port', port));
      const ended = once(serving, 'exit');
      try {
        const answer = () => fetch(`http://127.0.0.1:${port}/healthz`).then(({ status }) => status, String);
        await expect.poll(answer).toBe(200);
        // Its own check asks the port that the image names.
        const { Docker } = JSON.parse(buildah('inspect', container));
        const [, ...check] = Docker.config.Healthcheck.Test as string[];
        inside('env', `HOLDFAST_PORT=${port}`, ...check);
      } finally {
        expect(signalInside(port)).toBe(1);
        await ended;
      }
      expect(serving.exitCode).toBe(0);
    });

    it('is small', () => {
      const [, size] = /^([\d.]+) MB in \d+ compressed layers$/m.exec(built) ?? [];
      expect(Number(size)).toBeGreaterThan(10);
      expect(Number(size)).toBeLessThan(BUDGET);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Asks the server of `port` to stop, not the tool that runs it, which would end it at once. Returns how many it has asked. */
function signalInside(port: string): number {
  const servers = readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words[0]?.endsWith('node') && words.includes('serve') && words.includes(port);
    } catch {
      return false;
    }
  });
  for (const pid of servers) process.kill(Number(pid), 'SIGTERM');
  return servers.length;
}
