/**
 * What a demonstration does with its arguments, and with how it ends.
 *
 * Guarantees: resolves to the exit code. 0: it was good; 1: it was not; 2: it could not run; 64: wrong arguments; 128 plus a
 * signal's number when interrupted.
 */
import { UsageError } from './options.js';
import { listenForInterruption } from './signals.js';

export async function demonstrate<Options>(
  help: string,
  read: (args: readonly string[]) => Options | 'help',
  play: (options: Options, interrupted: AbortSignal) => Promise<boolean>,
): Promise<number> {
  const interruption = listenForInterruption();
  try {
    const options = read(process.argv.slice(2));
    if (options === 'help') {
      console.log(help);
      return 0;
    }
    return (await play(options, interruption.signal)) ? 0 : 1;
  } catch (error) {
    if (interruption.exitCode !== undefined) {
      console.error('Interrupted. Everything is stopped.');
      return interruption.exitCode;
    }
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof UsageError) {
      console.error(`${reason}\nSee --help.`);
      return 64;
    }
    console.error(`The demonstration could not run: ${reason}`);
    return 2;
  }
}
