/**
 * What the README says about using Holdfast works in an empty folder: the tarballs install, without another registry's
 * Holdfast among them, and the sample runs on nodes that `npx holdfast up` has started. It takes most of a minute, so it
 * is a test of `npm run test:full`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const USE_IT = README.slice(README.indexOf('\n## Use it'));

/** What the README asks for once, on a new Redis that holds data. */
const INITIALIZE = `
import { createRedisGuard } from '@holdfast/fence/redis';
import { Redis } from 'ioredis';
const redis = new Redis(process.env.REDIS_URL);
const guard = createRedisGuard({ redis });
await guard.initialize();
await Promise.all([guard.close(), redis.quit()]);`;

/** Runs a program to its end, which must be a good one, and returns what it printed. */
function run(
  folder: string,
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv = {},
): string {
  const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  expect(status, `${program} ${args.join(' ')}:\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

it('the README says how a project installs the tarballs of all packages at once', () => {
  expect(USE_IT).toMatch(/^npm run pack\b.*\nnpm install \S*tarballs\/\*\.tgz ioredis\b/m);
});

if (process.env['HOLDFAST_TESTS'] === 'deploy') {
  describe('a project that installs the tarballs', () => {
    let folder = '';
    const tarballs = join(ROOT, 'tarballs');

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-project-'));
      run(ROOT, ['npm', 'run', 'pack']);
      writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
      const install = /^npm install \S*tarballs\/\*\.tgz .*$/m.exec(USE_IT)?.[0] ?? '';
      const command = install.replace(/#.*/, '').replace(/\S*tarballs\//, `${tarballs}/`);
      run(folder, ['sh', '-c', `${command} --prefer-offline --no-audit --no-fund`]);
    }, 300_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('has every package from its tarball, and none from a registry', () => {
      const { packages } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
      const ours = Object.entries<{ resolved?: string }>(packages).filter(([path]) =>
        path.includes('holdfast'),
      );
      expect(ours).toHaveLength(readdirSync(tarballs).length);
      for (const [path, { resolved }] of ours) expect(resolved, path).toMatch(/^file:/);
    });

    it('starts nodes, and takes a lease on them as the README shows', { timeout: 120_000 }, async () => {
      // npx would not pass the signal on.
      const holdfast = join(folder, 'node_modules', '.bin', 'holdfast');
      const up = spawn(holdfast, ['up', '--port', '0', '--nodes', '3'], { cwd: folder });
      const ended = once(up, 'exit');
      try {
        let printed = '';
        up.stdout.on('data', (chunk: Buffer) => {
          printed += chunk;
        });
        await expect.poll(() => printed).toMatch(/HOLDFAST_NODES=\S+\n/);
        const nodes = /HOLDFAST_NODES=(\S+)/.exec(printed)?.[1] ?? '';
        const env = { HOLDFAST_NODES: nodes, REDIS_URL: nodes.split(',')[0] };
        run(folder, ['npx', 'holdfast', 'doctor'], env);
        const sample = /```ts\n([\s\S]*?)```/.exec(USE_IT)?.[1] ?? '';
        run(folder, ['node', '--input-type=module', '-e', INITIALIZE], env);
        // Plain JavaScript but for the assertions that a variable is set.
        writeFileSync(join(folder, 'first.js'), sample.replaceAll("']!", "']"));
        expect(run(folder, ['node', 'first.js'], env)).toMatch(/^token \d{16}: balance 0 -> 100\n$/);
      } finally {
        up.kill('SIGINT');
        await ended;
      }
    });
  });
}
