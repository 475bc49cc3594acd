/**
 * A call of the command line in this process, which takes a tenth of the processor's time that a process of its own takes. That
 * the command line is one, the tests show that start it by cli.ts.
 */
import { EventEmitter } from 'node:events';
import { systemClock } from '@holdfast/kernel';
import { main } from '../src/main.js';
import { type Ended, PATIENT } from './cli.js';

/** Calls `holdfast` with `words`. Nothing but `env` is in its environment. */
export async function called(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const output = { stdout: '', stderr: '' };
  const code = await main(words, {
    env: { ...PATIENT, ...env },
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    signals: new EventEmitter(),
    clock: systemClock,
  });
  return { code, ...output };
}
