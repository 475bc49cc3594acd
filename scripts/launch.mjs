/**
 * Runs a built program of this repository after setting up, as `npm start` and `npm run bench` do:
 * `node scripts/launch.mjs <program> [arguments]`.
 *
 * Guarantees: signals reach the program, its exit code is ours, and it is never ended before it has cleaned up.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT, setup } from './setup.mjs';

const [program = '', ...args] = process.argv.slice(2);
setup({ build: true });
const child = spawn(process.execPath, ['--expose-gc', join(ROOT, program), ...args], { stdio: 'inherit' });
// A terminal's Ctrl-C reaches the program by itself; others send a signal to this process alone.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('error', (error) => {
  console.error(`${program} could not be started: ${error.message}`);
  process.exitCode = 1;
});
child.once('exit', (code, signal) => {
  process.exitCode = code ?? 128 + ({ SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal ?? ''] ?? 0);
});
