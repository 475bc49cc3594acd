/**
 * The Redis commands that a guarded write carries out, as arguments of its script.
 *
 * Guarantees: a command that is not of the form `[name, key, ...arguments]` throws a MisuseError that names it, before
 * anything is sent.
 */
import { display, MisuseError } from '@holdfast/kernel';

/** A command as in redis-cli: its name, its first key, its other arguments. */
export type RedisCommand = readonly [name: string, key: string, ...args: (string | number)[]];

/** One script call carries at most this many values: Lua's unpack is bounded. */
const MOST_VALUES = 7_000;

export interface EncodedCommands {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

export function encodeCommands(commands: readonly RedisCommand[]): EncodedCommands {
  if (!Array.isArray(commands) || commands.length === 0) {
    throw new MisuseError('write takes at least one command, such as [["SET", "balance", "5"]].');
  }
  const keys: string[] = [];
  const args: string[] = [];
  commands.forEach((command, index) => {
    if (!Array.isArray(command) || command.length < 2)
      throw malformed(index, 'write it as [name, key, ...arguments]');
    const [name, key, ...rest] = command.map((value) => encodeValue(value, index));
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
