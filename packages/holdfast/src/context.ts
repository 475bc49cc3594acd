/**
 * The parts of its process that a command is given, so that it can be run in another: streams, environment, signals and
 * clock.
 *
 * Guarantees: with `processContext` a reader that goes away (`holdfast inspect … | head -1`) is not an error. Output that cannot
 * be written otherwise, such as to a full disk, is one line on stderr and an exit code, unless something else has failed.
 */
import { type Clock, systemClock } from '@holdfast/kernel';
import { EXIT } from './exit-codes.js';

interface Output {
  write(text: string): unknown;
}

/** The part of `process` that reports signals. */
export interface Signals {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The output that the command was asked for. */
  readonly stdout: Output;
  /** Messages: errors, warnings, progress. */
  readonly stderr: Output;
  readonly signals: Signals;
  readonly clock: Clock;
}

/** The context of this process. */
export function processContext(): Context {
  let isLost = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' || isLost) return;
      isLost = true;
      process.on('exit', () => {
        process.exitCode ||= EXIT.output;
      });
      process.stderr.write(`holdfast: the output cannot be written (${code ?? message}).\n`);
    });
  }
  const { env, stdout, stderr } = process;
  return { env, stdout, stderr, signals: process, clock: systemClock };
}
