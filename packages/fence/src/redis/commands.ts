/**
 * The Redis commands that a guarded write carries out, as arguments of its script.
 *
 * Guarantees: a command that is not of the form `[name, key, ...arguments]` throws a MisuseError that names it, before
 * anything is sent; so does a command that would pull the database out from under the guard, or whose arguments name
 * one of the guard's own keys. Not guaranteed: that a script, a rename of a user's key or a pattern does not reach
 * those keys.
 */
import { display, MisuseError } from '@holdfast/kernel';

/** A command as in redis-cli: its name, its first key, its other arguments. */
export type RedisCommand = readonly [name: string, key: string, ...args: (string | number)[]];

/** One script call carries at most this many values: Lua's unpack is bounded. */
const MOST_VALUES = 7_000;

/** Commands that leave those after them with another database, or the guard without its marks. */
const UNFIT: readonly string[] = ['SELECT', 'SWAPDB', 'FLUSHDB', 'FLUSHALL'];

export interface EncodedCommands {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** `root` is the beginning of the guard's own keys. */
export function encodeCommands(commands: readonly RedisCommand[], root: string): EncodedCommands {
  if (!Array.isArray(commands) || commands.length === 0) {
    throw new MisuseError('write takes at least one command, such as [["SET", "balance", "5"]].');
  }
  const keys: string[] = [];
  const args: string[] = [];
  commands.forEach((command, index) => {
    const unfit = Array.isArray(command) && UNFIT.includes(String(command[0]).toUpperCase());
    if (unfit) throw malformed(index, `${command[0]} would take the data from under the guard`);
    if (!Array.isArray(command) || command.length < 2)
      throw malformed(index, 'write it as [name, key, ...arguments]');
    const [name, key, ...rest] = command.map((value) => encodeValue(value, index));
    const own = [key ?? '', ...rest].find(
      (word) => word === `${root}guard` || word.startsWith(`${root}mark:`),
    );
    if (own !== undefined) throw malformed(index, `${display(own)} is a key of the guard itself`);
    keys.push(key ?? '');
    args.push(name ?? '', String(rest.length), ...rest);
    if (rest.length > MOST_VALUES) throw malformed(index, `it has more than ${MOST_VALUES} arguments`);
  });
  return { keys, args };
}

function encodeValue(value: unknown, index: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw malformed(index, `its parts are strings and finite numbers; got ${display(value)}`);
}

function malformed(index: number, why: string): MisuseError {
  return new MisuseError(`Command ${index + 1} of the write is malformed: ${why}.`);
}
