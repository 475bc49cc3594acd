/** How the tests see this machine: processes by `ps`, servers by a plain socket. */
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { expect, vi } from 'vitest';

/** The letter of a process's state (`T` is stopped); undefined when it is gone or only waits to be reaped. */
export function processState(pid: number | undefined): string | undefined {
  const letter = spawnSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.trim()[0];
  return letter === 'Z' ? undefined : letter;
}

export const parentOf = (pid: number | undefined): number =>
  Number(spawnSync('ps', ['-o', 'ppid=', '-p', `${pid}`], { encoding: 'utf8' }).stdout);

/** Sends one inline command, resolves to the first data that comes back; rejects if refused, closed, or silent for `limit` ms. */
export function ask(port: number, command: string, limit = 5_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (settle: () => void): void => {
      socket.destroy();
      settle();
    };
    socket.setTimeout(limit, () => end(() => reject(new Error('silent'))));
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('close', () => reject(new Error('closed')));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.once('data', (data) => end(() => resolve(String(data))));
  });
}

export const eventually = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 45_000, interval: 20 });

export const expectGone = (pids: readonly (number | undefined)[]): Promise<void> =>
  eventually(() => expect(pids.map(processState)).toEqual(pids.map(() => undefined)));
