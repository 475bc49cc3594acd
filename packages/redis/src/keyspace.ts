/**
 * The keys of one thing that lives in Redis, such as a queue: a single list yields the KEYS of each script, and the Lua
 * locals that it uses for them.
 *
 * Guarantees: a script is sent the keys that it names, and no others. A list of keys cannot disagree with the locals,
 * because the scripts' text is generated from it.
 */

export interface Keyspace {
  /** The names of the keys, each once: `[a-z_]+`. The local of "dead_letters" is DEAD_LETTERS. */
  readonly names: readonly string[];
  /** Keys that a script takes together, as an array: the local of "ready" is READY, and READY[1] its first key. */
  readonly arrays?: Readonly<Record<string, readonly string[]>>;
}

/** The keys that a script names, in the order of KEYS; all of them if its header has the line `-- Keys: all`. */
export function keysNamedIn(text: string, { names, arrays = {} }: Keyspace): readonly string[] {
  const wantsAll = /^-- Keys: all$/m.test(text);
  const code = text.replace(/--.*$/gm, '');
  const isNamed = (name: string): boolean => wantsAll || new RegExp(`\\b${localOf(name)}\\b`).test(code);
  return [
    ...names.filter(isNamed),
    ...Object.entries(arrays).flatMap(([name, keys]) => (isNamed(name) ? keys : [])),
  ];
}

/**
 * The Lua that opens a script: its locals, and `use(n)`, which switches to the keys of the n-th of several such things,
 * from 0, if a verb is given the keys of each, one after the other. `THINGS` is how many there are. A verb may be given some
 * more keys behind them, fewer than those of a thing.
 */
export function openingOf(text: string, keyspace: Keyspace): string {
  const { names, arrays = {} } = keyspace;
  const used = keysNamedIn(text, keyspace);
  const single = names.filter((name) => used.includes(name)).map(localOf);
  const many = Object.entries(arrays).filter(([, keys]) => keys.some((key) => used.includes(key)));
  const locals = [...single, ...many.map(([name]) => localOf(name))];
  if (locals.length === 0) return '';
  let place = single.length;
  const assignments = [
    ...(single.length > 0
      ? [`  ${single.join(', ')} = unpack(KEYS, first + 1, first + ${single.length})`]
      : []),
    ...many.map(([name, keys]) => {
      const line = `  ${localOf(name)} = {unpack(KEYS, first + ${place + 1}, first + ${place + keys.length})}`;
      place += keys.length;
      return line;
    }),
  ];
  return [
    `local ${locals.join(', ')}`,
    `local THINGS = math.floor(#KEYS / ${used.length})`,
    'local function use(number)',
    `  local first = number * ${used.length}`,
    ...assignments,
    'end',
    'use(0)',
  ].join('\n');
}

const localOf = (name: string): string => name.toUpperCase();
