/** Workers in processes of their own, which are killed with the test. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { later, url } from './setting.js';

interface Child {
  readonly lines: string[];
  kill(signal: NodeJS.Signals): void;
  tell(): void;
  /** Resolves with the first line that begins so. */
  said(beginning: string): Promise<string>;
}

/** Runs worker-process.ts. */
export function startChild(...more: readonly string[]): Child {
  const program = fileURLToPath(new URL('worker-process.ts', import.meta.url));
  const args = ['--conditions=@holdfast/source', '--import', 'tsx', program, url(), ...more];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  later(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    lines,
    kill: (signal) => void child.kill(signal),
    tell: () => void child.stdin.write('\n'),
    said: async (beginning) => {
      const find = (): string | undefined => lines.find((line) => line.startsWith(beginning));
      await expect.poll(find, { timeout: 45_000, interval: 5 }).toBeDefined();
      return find() ?? '';
    },
  };
}
