/**
 * The arguments of the demonstration.
 *
 * Guarantees: an argument that does not exist or cannot work throws a UsageError that names it and what would do.
 */
import { parseArgs } from 'node:util';

export interface Options {
  /** How long the faults strike, in ms. */
  readonly duration: number;
  readonly fenced: boolean;
  readonly seed: number;
  readonly workers: number;
}

export class UsageError extends Error {}

export const HELP = `npm run ledger -- [options]

Worker processes contend for a lease and change a ledger behind a guard, while workers and Redis nodes are stopped,
killed and restarted empty. Ends with a verdict.

  --for <time>     how long faults strike: 1s to 60m, such as 20s, 1500ms or 2m (default 20s)
  --unfenced       write without the guard: the same run loses updates, and says so
  --seed <number>  repeat the schedule of faults of another run (default: a new one, which is printed)
  --workers <n>    how many worker processes: 2 to 64 (default 8)
  --help           this text

Exit codes: 0 nothing was lost, 1 the verdict is bad, 2 it could not run, 64 wrong arguments, 130 Ctrl-C.`;

const ARGUMENTS = {
  for: { type: 'string', default: '20s' },
  unfenced: { type: 'boolean', default: false },
  seed: { type: 'string' },
  workers: { type: 'string', default: '8' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the arguments; "help" if help was asked for. Throws UsageError. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = said(() => parseArgs({ args: [...args], options: ARGUMENTS }));
  if (values.help) return 'help';
  return {
    duration: readDuration(values.for),
    fenced: !values.unfenced,
    seed:
      values.seed === undefined
        ? Math.floor(Math.random() * 1e6)
        : readInteger('--seed', values.seed, [0, 2 ** 32 - 1]),
    workers: readInteger('--workers', values.workers, [2, 64]),
  };
}

/** What `parse` gives; what it throws becomes a UsageError. */
export function said<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new UsageError(words.replace(/\s+/g, ' '));
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

export function readDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const duration = Number(amount) * (UNITS[unit ?? ''] ?? 0);
  if (duration >= 1_000 && duration <= 3_600_000) return Math.round(duration);
  throw new UsageError(`--for is a time from 1s to 60m, such as 20s, 1500ms or 2m; got "${text}".`);
}

export function readInteger(option: string, text: string, [low, high]: readonly [number, number]): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UsageError(`${option} is a whole number from ${low} to ${high}; got "${text}".`);
}
