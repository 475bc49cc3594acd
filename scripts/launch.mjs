/**
 * Runs a built program of this repository after setting up; `npm start`, `npm run ledger` and `npm run bench` stand on it.
 *
 * Guarantees: the arguments and signals reach the program, its exit code is ours, and it is never ended before it has
 * cleaned up. If setting up fails, the program does not run and the exit code is 1.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { ROOT, setup } from './setup.mjs';

/** npm repeats the signals that reach the whole group; the same one within this time, in ms, is an echo. */
const ECHO = 500;

/** `program` is relative to the root; `flags` are Node's own. */
export function launch(program, flags = []) {
  setup({ build: true });
  const args = [...flags, join(ROOT, program), ...process.argv.slice(2)];
  // A terminal's Ctrl-C reaches the program by itself, and a second one would hurry it. Elsewhere the program leads a
  // group of its own, so that it hears each signal once, from here.
  const inTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  const child = spawn(process.execPath, args, { stdio: 'inherit', detached: !inTerminal });
  let heard = Number.NEGATIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (performance.now() - heard < ECHO || (inTerminal && signal === 'SIGINT')) return;
      heard = performance.now();
      child.kill(signal);
    });
  }
  child.once('error', (error) => {
    console.error(`${program} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
