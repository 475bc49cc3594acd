/**
 * Which flags are set, judged when a partition answers, and when they are read.
 *
 * Guarantees: each flag is what the call that came last has made it. A read answers what was so at some time while it was
 * under way.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { partitionKey } from './names.js';
import type { Server } from './servers.js';

/** Where the arguments of a call end, and its flags begin. */
const FIRST = 10;

/** The ids of which one chunk has the bits. */
const CHUNK = 32_768;

interface FlagsOptions {
  readonly violate: Violate;
  readonly server: Server;
  /** In microseconds of true time. */
  readonly now: () => number;
  readonly partitions: number;
}

interface Value {
  readonly since: number;
  readonly isSet: boolean;
}

export class FlagsSeen {
  readonly #options: FlagsOptions;
  /** By "<flag> <id>". */
  readonly #values = new Map<string, Value[]>();
  #remembersSince = 0;

  constructor(options: FlagsOptions) {
    this.#options = options;
  }

  look({ verb, args }: Call, reply: readonly unknown[]): void {
    if (verb !== 'flag' || reply[0] !== 'landed') return;
    for (let place = FIRST; place < args.length; place += 2) {
      const id = (args[place] ?? '').slice((args[place] ?? '').lastIndexOf(':') + 1);
      for (const word of (args[place + 1] ?? '').split(' ').slice(1)) {
        const [flag, isSet] = [word.slice(0, -1), word.endsWith('+')];
        const known = this.#values.get(`${flag} ${id}`) ?? [];
        this.#values.set(`${flag} ${id}`, known);
        known.push({ since: this.#options.now(), isSet });
      }
    }
    this.#compare();
  }

  /** What the server has is what counts from now on. */
  reload(): void {
    this.#remembersSince = this.#options.now();
    for (const [name, known] of this.#values)
      known.push({ since: this.#options.now(), isSet: this.#isSet(name) });
  }

  /** A process was answered the flags of an id; it has begun to read at `since`. */
  judge(id: string, values: Readonly<Record<string, unknown>>, since: number): void {
    if (this.#remembersSince >= since) return;
    for (const [flag, value] of Object.entries(values)) {
      const known = this.#values.get(`${flag} ${id}`) ?? [];
      const before = known.findLast((each) => each.since <= since)?.isSet ?? false;
      const possible = [before, ...known.filter((each) => each.since > since).map(({ isSet }) => isSet)];
      if (!possible.some((each) => each === value))
        this.#options.violate('B1', `${flag} of ${id} was answered as ${String(value)}, which it was not`);
    }
  }

  #compare(): void {
    for (const [name, known] of this.#values)
      if (known.at(-1)?.isSet !== this.#isSet(name))
        this.#options.violate('B1', `${name} is not what the last call has made it`);
  }

  #isSet(name: string): boolean {
    const [flag = '', id = ''] = name.split(' ');
    const { server, partitions } = this.#options;
    const [chunk, bit] = [Math.floor(Number(id) / CHUNK), Number(id) % CHUNK];
    const key = partitionKey(chunk % partitions, `marks.1-0:${flag}.${chunk}`);
    const bytes = String(server.look(key) ?? '');
    return (bytes.charCodeAt(bit >> 3) & (0x80 >> (bit & 7))) !== 0;
  }
}
