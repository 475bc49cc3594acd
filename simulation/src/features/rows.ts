/**
 * What partitions take in: rows, offsets and dead letters, judged when a partition answers.
 *
 * Guarantees: a row is accepted exactly if it wins over the one that is there, is then what is stored, and is in the log. No
 * right that a later one has replaced lands anything. Each offset follows the one before it.
 */
import type { ReadPlace } from '@holdfast/features';
import { unpackRows } from '@holdfast/features/testing';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { ErasuresSeen } from './erasures.js';
import type { ExportsSeen } from './exports.js';
import { AHEAD, headOf, PARTITIONS, partitionKey, type RowHead, rowKey } from './names.js';
import { recordOf, type Server, type StreamValue } from './servers.js';
import { Versions } from './versions.js';

/** Of the server's clock, in microseconds: at its edge, what counts as the future is not judged. */
const EDGE = 1_000_000;

/** Where the arguments of a call say how many rows or additions it has. */
const COUNT_AT = { land: 10, tally: 12 } as const;

/** Where the arguments of a call that sets flags end, and its flags begin. */
const FIRST_FLAG = 10;

/** The rows of a call, or the additions. */
function packedIn(args: readonly string[], from: number): readonly string[] {
  const [count, size, bytes = ''] = args.slice(from);
  const packed = { count: Number(count), size: Number(size), bytes: Buffer.from(bytes, 'latin1') };
  return unpackRows(packed).map((row) => Buffer.from(row).toString('latin1'));
}

export class Rows {
  accepted = 0;
  readonly #violate: Violate;
  readonly #server: Server;
  readonly #time: (partition: number) => number;
  /** True time, in microseconds. */
  readonly #now: () => number;
  readonly #history: boolean;
  readonly #erasures: ErasuresSeen;
  readonly #exports: ExportsSeen;
  /** The highest token that has opened a lane or a source partition of it, by partition and lane. */
  readonly #opened = new Map<string, number>();
  /** The highest token that has opened a lane in all partitions, as its process was told. */
  readonly #openedInAll = new Map<string, number>();
  /** The generations that a token has opened. */
  readonly #generationsOf = new Map<number, Set<string>>();
  /** Rows, and the record of each partition, as they were after the last command. */
  readonly #rows = new Map<string, string>();
  readonly #versions = new Versions();
  readonly #records = new Map<number, ReadonlyMap<string, string>>();
  /** "<view>.<generation>:<user>:<event time in ms>" of all that was ever accepted. */
  readonly #everAccepted = new Set<string>();
  #landings = 0;

  constructor(options: {
    violate: Violate;
    server: Server;
    time: (partition: number) => number;
    now: () => number;
    history: boolean;
    erasures: ErasuresSeen;
    exports: ExportsSeen;
  }) {
    this.#violate = options.violate;
    this.#server = options.server;
    this.#time = options.time;
    this.#now = options.now;
    this.#history = options.history;
    this.#erasures = options.erasures;
    this.#exports = options.exports;
  }

  /** "<view>.<generation>" that a token has opened. */
  generationsOf(token: number): ReadonlySet<string> {
    return this.#generationsOf.get(token) ?? new Set();
  }

  /** A process was told that it has opened a lane under a token. */
  isOpen(lane: string, token: number): void {
    for (const generation of this.generationsOf(token)) {
      const name = `${generation}:${lane}:`;
      this.#openedInAll.set(name, Math.max(token, this.#openedInAll.get(name) ?? 0));
    }
  }

  /** A partition has answered. */
  look({ verb, keys, args }: Call, reply: readonly unknown[]): void {
    const partition = partitionOf(keys[0]);
    if (partition === undefined) return;
    const call = { keys, args, reply };
    this.#exports.look(partition, { verb, keys, args }, reply);
    if (verb === 'open' && reply[0] === 'opened') this.#open(partition, args);
    if (verb === 'land' && reply[0] === 'landed') this.#land(partition, call);
    if (verb === 'tally' && reply[0] === 'landed') this.#tally(partition, call);
    if (verb === 'flag' && reply[0] === 'landed') this.#flag(partition, call);
    if ((verb === 'land' || verb === 'tally') && reply[0] === 'repeated')
      this.#requireRight(partition, args, 'is told that its records were taken in');
    if (verb === 'tell') this.#tell(partition, args, reply);
    if (verb === 'finish' && reply[0] === 'finished') this.#requireRight(partition, args, 'finishes');
    if (verb === 'bury' && reply[0] === 'buried') this.#requireRight(partition, args, 'buries a record');
    if (verb === 'drop' || verb === 'forget') for (const name of keys) this.#refresh(name);
    this.#records.set(partition, recordOf(this.#server, partition));
    this.#versions.isAt(`${partition} ${String(this.#server.look(partitionKey(partition, 'at')) ?? '')}`);
  }

  /** The server has come back, or has forgotten everything: what it has now is where it goes on. */
  reload(): void {
    for (const name of this.#rows.keys()) if (isRow(name)) this.#versions.add(name, this.#now(), undefined);
    this.#rows.clear();
    for (const [name, { type, value }] of Object.entries(this.#server.dump()))
      if (type === 'string') this.#keep(name, value as string);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      this.#records.set(partition, recordOf(this.#server, partition));
  }

  wasAccepted(generation: string, user: string, time: number): boolean {
    return this.#everAccepted.has(`${generation}:${user}:${time}`);
  }

  /** The row of a user in a generation, "<view>.<generation>", now or as of a time. */
  rowOf(generation: string, user: string, since = Number.POSITIVE_INFINITY): RowHead | undefined {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const row = this.#versions.of(rowKey(partition, generation, user), since);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  /** The row of a user at a place of the log; `unknown` if there is no such place. */
  rowAt({ partition, at }: Pick<ReadPlace, 'partition' | 'at'>, generation: string, user: string) {
    return this.#versions.at(`${partition} ${at}`, rowKey(partition, generation, user));
  }

  /** Every row is counted, and its log, replayed, gives it. */
  judgeTotals(isWhole: (generation: string) => boolean): void {
    for (let partition = 0; partition < PARTITIONS; partition += 1) this.#judgeTotals(partition, isWhole);
  }

  #open(partition: number, [generation = '', lane = '', source = '', token = '']: readonly string[]): void {
    if (token === '') return;
    const number = Number(token);
    const of = this.#generationsOf.get(number) ?? new Set();
    this.#generationsOf.set(number, of.add(generation));
    const name = `${partition}:${generation}:${lane}:${source}`;
    if (number < (this.#opened.get(name) ?? 0))
      this.#violate('O1', `${name} was opened under ${token}, after ${this.#opened.get(name)}`);
    this.#opened.set(name, Math.max(number, this.#opened.get(name) ?? 0));
  }

  /** Neither the lane nor the source partition was opened under a higher token. */
  #requireRight(partition: number, args: readonly string[], what: string): void {
    const [generation = '', lane = '', mark = '', source = '', own = ''] = args;
    const whole = `${generation}:${lane}:`;
    const parts =
      source === ''
        ? [['', mark]]
        : [
            ['', mark],
            [source, own],
          ];
    for (const [of = '', shown = ''] of parts) {
      const token = Number(shown.split(' ', 1)[0]);
      const name = `${partition}:${whole}${of}`;
      // A lane that several share was opened by none of them.
      const highest = Math.max(
        this.#opened.get(name) ?? 0,
        of === '' ? (this.#openedInAll.get(whole) ?? 0) : 0,
      );
      if (token < highest && token !== 0)
        this.#violate('O1', `under token ${token}, ${name} ${what}, which was opened under ${highest}`);
    }
  }

  #land(partition: number, { keys, args, reply }: Landing): void {
    const [generation = '', , mark = '', source = '', own = ''] = args;
    this.#requireRight(partition, args, 'lands a row');
    const rows = packedIn(args, COUNT_AT.land);
    const names = keys.slice(keys.length - rows.length);
    const letters = String(reply[1]);
    const token = Number((source === '' ? mark : own).split(' ', 1)[0]);
    const known = new Map(names.map((name) => [name, this.#rows.get(name)] as const));
    const logged: string[] = [];
    for (const [index, row] of rows.entries()) {
      const name = names[index] ?? '';
      const isRefused = this.#erasures.isRefused(partition, userOf(name));
      const [letter, wanted] = [
        letters[index],
        this.#verdict(row, known.get(name), { partition, token, isRefused }),
      ];
      if (wanted !== undefined && letter !== wanted)
        this.#violate('O2', `${name}: the verdict on a row is ${letter}, not ${wanted}`);
      if (letter !== 'a') continue;
      this.accepted += 1;
      known.set(name, row);
      logged.push(name, row);
      this.#everAccepted.add(`${name.slice(partitionKey(partition, '').length)}:${headOf(row).time / 1_000}`);
    }
    for (const [name, row] of known) {
      if (row !== undefined && this.#server.look(name) !== row)
        this.#violate('O2', `${name} is not the row that has won`);
      this.#refresh(name);
    }
    this.#requireLogged(partition, logged, String(reply[2]));
    this.#advance(partition, args);
    this.#landings += 1;
    if (this.#landings % 10 === 0) this.#judgeTotals(partition, (each) => each === generation);
  }

  #tally(partition: number, { keys, args, reply }: Landing): void {
    this.#requireRight(partition, args, 'adds events');
    const additions = packedIn(args, COUNT_AT.tally);
    const names = keys.slice(keys.length - additions.length);
    const letters = String(reply[1]);
    for (const [index, name] of names.entries()) {
      const isRefused = this.#erasures.isRefused(partition, userOf(name));
      if (isRefused !== (letters[index] === 'x'))
        this.#violate('X1', `${name}: the verdict on an addition is ${letters[index]}`);
    }
    const logged = additions.flatMap((addition, index) =>
      letters[index] === 'a' ? [names[index] ?? '', addition] : [],
    );
    this.accepted += logged.length / 2;
    this.#requireLogged(partition, logged, String(reply[2]));
    this.#advance(partition, args);
  }

  #flag(partition: number, { args, reply }: Landing): void {
    this.#requireRight(partition, args, 'sets flags');
    const texts = args
      .slice(FIRST_FLAG)
      .map((text, index) => (index % 2 === 0 ? text : text.replace(/^\d+ /, '')));
    this.#requireLogged(partition, texts, String(reply[2]));
  }

  #tell(partition: number, args: readonly string[], reply: readonly unknown[]): void {
    for (let place = 0; 7 * place < args.length; place += 1) {
      const own = args.slice(7 * place, 7 * place + 7);
      if (reply[place + 1] !== 'told') continue;
      this.#requireRight(partition, own, 'is told an offset');
      this.#advance(partition, own);
    }
  }

  /** What is taken in follows what was taken in before. */
  #advance(partition: number, args: readonly string[]): void {
    const [generation, lane, , source, , after, through] = args;
    if (through === '') return;
    const field = `offset:${generation}:${lane}:${source}`;
    const stood = this.#records.get(partition)?.get(field) ?? '-1 0';
    if (stood !== after)
      this.#violate(
        'O4',
        `partition ${partition} stood at ${stood} in ${field}, and took in from ${after} to ${through}`,
      );
  }

  #refresh(name: string): void {
    const row = this.#server.look(name);
    if (typeof row === 'string') this.#keep(name, row);
    else if (this.#rows.delete(name) && isRow(name)) this.#versions.add(name, this.#now(), undefined);
  }

  #keep(name: string, row: string): void {
    if (this.#rows.get(name) === row) return;
    this.#rows.set(name, row);
    if (isRow(name)) this.#versions.add(name, this.#now(), row);
  }

  #requireLogged(partition: number, pairs: readonly string[], place: string): void {
    if (pairs.length === 0 || !this.#history) return;
    const log = this.#server.look(partitionKey(partition, 'log')) as StreamValue | undefined;
    const [id = '', last = []] = [...(log?.entries ?? [])].at(-1) ?? [];
    const [ms, us] = id.split('-').map(Number);
    if (Number(place.split(' ')[1]) !== 1_000 * (ms ?? 0) + (us ?? 0))
      this.#violate('O3', `partition ${partition} has logged at ${id}, and says ${place}`);
    const told = last[0] === 'time' ? last.slice(2) : last;
    if (told.join('\n') !== pairs.join('\n'))
      this.#violate('O3', `what partition ${partition} has accepted is not the last entry of its log`);
  }

  /** Undefined where the clock's edge decides. */
  #verdict(
    row: string,
    old: string | undefined,
    { partition, token, isRefused }: { partition: number; token: number; isRefused: boolean },
  ): string | undefined {
    const head = headOf(row);
    const ahead = head.time - (this.#time(partition) + AHEAD * 1_000);
    if (head.token !== token || ahead > EDGE) return 'f';
    if (ahead > -EDGE) return undefined;
    if (isRefused) return 'x';
    if (old === undefined) return 'a';
    const there = headOf(old);
    if (head.time !== there.time) return head.time > there.time ? 'a' : 'o';
    if (head.rank !== there.rank) return head.rank > there.rank ? 'a' : 'e';
    return tieOf(head, there);
  }

  #judgeTotals(partition: number, isWhole: (generation: string) => boolean): void {
    const record = recordOf(this.#server, partition);
    const found = new Map<string, { rows: number; sum: number }>();
    const stored = new Map<string, string>();
    const start = partitionKey(partition, '');
    for (const [name, { type, value }] of Object.entries(this.#server.dump())) {
      const [generation = '', id] = name.slice(start.length).split(':');
      if (!name.startsWith(start) || type !== 'string' || id === undefined) continue;
      const total = found.get(generation) ?? { rows: 0, sum: 0 };
      total.rows += 1;
      if (generation.startsWith('profile'))
        total.sum = (total.sum + headOf(value as string).checksum) % 2 ** 32;
      found.set(generation, total);
      stored.set(name, value as string);
    }
    for (const [generation, { rows, sum }] of found) {
      if (!isWhole(generation)) continue;
      const counted = Number(record.get(`rows:${generation}`) ?? 0);
      const added = Number(record.get(`sum:${generation}`) ?? 0);
      if (counted !== rows)
        this.#violate(
          'O5',
          `partition ${partition} counts ${counted} rows of ${generation}, and has ${rows}`,
        );
      if (generation.startsWith('profile') && added !== sum)
        this.#violate('O5', `partition ${partition} has the sum ${added} of ${generation}, not ${sum}`);
    }
    if (this.#history) this.#judgeLog(partition, stored, isWhole);
  }

  #judgeLog(
    partition: number,
    stored: ReadonlyMap<string, string>,
    isWhole: (generation: string) => boolean,
  ): void {
    const replayed = new Map<string, string>();
    for (const { generation, id, row } of this.#exports.logged(partition))
      replayed.set(rowKey(partition, generation, id), row);
    for (const [name, row] of stored) {
      const generation = name.split(':')[2] ?? '';
      if (generation.startsWith('profile') && isWhole(generation) && replayed.get(name) !== row)
        this.#violate('O3', `the log of partition ${partition}, replayed, does not give ${name}`);
    }
  }
}

interface Landing {
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly reply: readonly unknown[];
}

/** Windows and flags have no head. */
const isRow = (name: string): boolean => name.includes(':profile.');

const userOf = (name: string): string => name.slice(name.lastIndexOf(':') + 1);

const partitionOf = (key = ''): number | undefined => {
  const [, number] = /\{feat:\w+\.(\d+)\}/.exec(key) ?? [];
  return number === undefined ? undefined : Number(number);
};

function tieOf(head: RowHead, there: RowHead): string {
  // Of another source partition, the one that arrives later wins.
  if (head.order[0] !== there.order[0]) return 'a';
  for (const [part, value] of head.order.entries()) {
    const other = there.order[part] ?? 0;
    if (value !== other) return value > other ? 'a' : 'e';
  }
  return head.checksum === there.checksum ? 's' : 'e';
}
