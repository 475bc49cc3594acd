/**
 * The arguments of the shop.
 *
 * Guarantees: an argument that does not exist or cannot work throws a UsageError that names it and what would do.
 */
import { parseArgs } from 'node:util';
import { readDuration, readInteger, said } from '../../ledger/options.js';

export interface Options {
  /** How long it runs, in ms; Infinity: until it is told to stop. */
  readonly duration: number;
  readonly fenced: boolean;
  readonly faults: boolean;
  readonly plain: boolean;
  /** Orders a second. */
  readonly rate: number;
  readonly seed: number;
  readonly port: number;
}

export const HELP = `npm start -- [options]

Kelp & Co., a shop on five lock nodes and a Redis: orders are charged under a lease, checked by a workflow, their pictures
made by a queue; purchases are counted as features, products found by vectors. Workers freeze and die, nodes come back empty.
Ends with a verdict.

  --for <time>     how long it runs: 1s to 60m, such as 30s or 2m (default: until q or Ctrl-C)
  --unfenced       charge without the guard: orders are charged twice, and the verdict says so
  --no-faults      nothing is broken on purpose
  --quiet          no customers but you
  --rate <n>       orders a second: 1 to 200 (default 20)
  --seed <number>  repeat the faults and the orders of another run (default: a new one, which is printed)
  --port <number>  of the page; 0 for a free one (default 7480)
  --plain          one line a second, as where the output is no terminal
  --help           this text

Exit codes: 0 nothing was lost or charged twice, 1 the verdict is bad, 2 it could not run, 64 wrong arguments, 130 Ctrl-C.`;

const ARGUMENTS = {
  for: { type: 'string' },
  unfenced: { type: 'boolean', default: false },
  'no-faults': { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  rate: { type: 'string', default: '20' },
  seed: { type: 'string' },
  port: { type: 'string', default: '7480' },
  plain: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the arguments; "help" if help was asked for. Throws UsageError. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = said(() => parseArgs({ args: [...args], options: ARGUMENTS }));
  if (values.help) return 'help';
  const { seed = String(Math.floor(Math.random() * 1e6)) } = values;
  return {
    duration: values.for === undefined ? Number.POSITIVE_INFINITY : readDuration(values.for),
    fenced: !values.unfenced,
    faults: !values['no-faults'],
    plain: values.plain,
    rate: values.quiet ? 0 : readInteger('--rate', values.rate, [1, 200]),
    seed: readInteger('--seed', seed, [0, 2 ** 32 - 1]),
    port: readInteger('--port', values.port, [0, 65_535]),
  };
}
