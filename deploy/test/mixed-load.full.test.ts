/**
 * A minute of mixed load under rolling restarts of two replicas, the nodes and the data Redis: nothing that was acknowledged is
 * lost, and every error is one that a client repeats.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const SOURCES = ['--import', 'tsx', '--conditions=@holdfast/source', 'benchmarks/src/main.ts'];

it.each(['always', 'everysec'])(
  'a minute with appendfsync %s meets its targets',
  async (fsync) => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-mixed-'));
    const report = join(folder, 'report.json');
    const args = ['mixed-load', '--for', '60s', '--only', fsync, '--json', report];
    const child = spawn(process.execPath, [...SOURCES, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const [code] = await once(child, 'exit');
      expect(code, said).toBe(0);
      const { targets, data } = JSON.parse(readFileSync(report, 'utf8'));
      expect(
        targets.filter(({ met }: { met: boolean }) => !met),
        said,
      ).toEqual([]);
      for (const count of Object.values(data[0].restarts)) expect(count).toBeGreaterThan(0);
    } finally {
      child.kill('SIGTERM');
      rmSync(folder, { recursive: true });
    }
  },
  400_000,
);
