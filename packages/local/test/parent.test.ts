/** A program that is gone without having stopped its nodes leaves nothing behind, however it went. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { ask, eventually, expectGone, processState } from './machine.js';

const PROGRAM = fileURLToPath(new URL('parent.ts', import.meta.url));

interface Started {
  /** Of three servers: the first was killed, the second is frozen. */
  readonly pids: number[];
  readonly ports: number[];
  /** The temporary folder. */
  readonly folder: string;
  /** Another child of the program. */
  readonly bystander: number;
}

async function startProgram(how: string): Promise<[ChildProcess, Started, Interface]> {
  const args = ['--import', 'tsx', '--conditions=@holdfast/source', PROGRAM, how];
  // A process group of its own, which a terminal would interrupt as a whole.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const lines = createInterface(child.stdout);
  const [line] = (await once(lines, 'line')) as [string];
  const started = JSON.parse(line) as Started;
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    process.kill(started.bystander, 'SIGKILL');
  });
  return [child, started, lines];
}

async function expectNothingLeft({ pids, folder, bystander }: Started): Promise<void> {
  await expectGone(pids);
  await eventually(() => expect(existsSync(folder)).toBe(false));
  expect(processState(bystander)).toBeDefined();
}

it.each([
  ['itself', 0],
  ['exit', 0],
  ['crash', 1],
])('ended by %s', async (how, code) => {
  const [child, started] = await startProgram(how);
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(code);
  await expectNothingLeft(started);
});

it.each(['SIGKILL', 'SIGTERM'] as const)('ended by %s', async (signal) => {
  const [child, started] = await startProgram('never');
  expect(existsSync(started.folder)).toBe(true);
  expect(processState(started.pids[1])).toBe('T');
  expect(await ask(started.ports[2] ?? 0, 'PING')).toBe('+PONG\r\n');
  child.kill(signal);
  await expectNothingLeft(started);
});

it('keeps its nodes when a terminal interrupts it, until it has decided', async () => {
  const [child, started, lines] = await startProgram('never');
  const interrupted = once(lines, 'line');
  process.kill(-(child.pid ?? 0), 'SIGINT');
  expect(await interrupted).toEqual(['interrupted']);
  expect(await ask(started.ports[2] ?? 0, 'PING')).toBe('+PONG\r\n');
  child.kill('SIGKILL');
  await expectNothingLeft(started);
});
