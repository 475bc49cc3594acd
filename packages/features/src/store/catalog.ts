/**
 * The catalog of a store: what was applied, and which generation of each view is read.
 *
 * Guarantees: a change is made only on top of the last one, so that two that are made at once do not overwrite each other. On a
 * server that may have forgotten some of it, nothing is said before all partitions were asked; what they know of the latest
 * change counts. After a change, all partitions are told what it knows; where that fails, the next change tells them.
 */
import { MisuseError, type Random } from '@holdfast/kernel';
import type { BinaryReply, CallCommand, Caller } from '@holdfast/redis';
import { keysOf } from '../keys.js';
import { type Erasure, readErasures } from './erasures.js';
import { HDEL, HGET, HGETALL, HSET } from './hash.js';
import { callerFor, LAYOUT, type Partition, type StorePlace, unknownLayout } from './partition.js';
import { verbFor, words } from './verb.js';
import type { Whole } from './verbs.js';

/** What is known of a view. */
export interface ViewPointer {
  /** The generation that is read: "<n>-<token of its builder>". */
  readonly live: string;
  /** The number of the change that applied its definition. */
  readonly applied: number;
}

export interface Pointers {
  /** The number of the catalog's last change. */
  readonly n: number;
  /** The server's time, in microseconds since the epoch. */
  readonly time: number;
  readonly partitions: number;
  readonly views: ReadonlyMap<string, ViewPointer>;
}

/** The definition of a view, JSON, and the number of the change that applied it. */
export interface AppliedDefinition {
  readonly applied: number;
  readonly definition: string;
}

/** An entry of the catalog's history: its id, and names and values in turn. */
export type CatalogEntry = readonly [id: string, fields: readonly string[]];

type PointersReply =
  | Pointers
  | { readonly word: 'unknown' }
  | { readonly word: 'forgot'; readonly n: number };

type Applied =
  | { readonly word: 'done' | 'changed' | 'forgot'; readonly n: number }
  | { readonly word: 'partitions'; readonly n: number };

/** How often a change is tried again because another came first. */
const TRIES = 5;

export class Catalog {
  readonly #name: string;
  readonly #partitions: readonly Partition[];
  readonly #caller: Caller;
  readonly #verbs: ReturnType<typeof catalogVerbs>;
  readonly #key: string;
  readonly #history: string;
  readonly #erasures: string;
  readonly #baselines: string;

  constructor(place: StorePlace, partitions: readonly Partition[]) {
    const keys = keysOf({ store: place.name, prefix: place.prefix, partition: 0 });
    this.#name = place.name;
    this.#partitions = partitions;
    this.#verbs = catalogVerbs(keys, place.random);
    this.#key = keys.of('catalog');
    this.#history = keys.of('history');
    this.#erasures = keys.of('erasures');
    this.#baselines = keys.of('baselines');
    this.#caller = callerFor(place, keys.of('catalog'));
  }

  /** Undefined if nothing was ever applied. Throws UnavailableError; MisuseError for another number of partitions. */
  async pointers(views: readonly string[]): Promise<Pointers | undefined> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const reply = await this.#caller.call(this.#verbs.pointers, views);
      if (!('word' in reply)) {
        this.#requirePartitions(reply.partitions);
        return reply;
      }
      if (reply.word === 'unknown') {
        if (!(await this.#adopt(0))) return undefined;
      } else await this.#adopt(reply.n);
    }
    throw this.#restless();
  }

  /** What was applied to views, by name. Throws UnavailableError. */
  definitions(views: readonly string[]): Promise<ReadonlyMap<string, AppliedDefinition>> {
    return this.#caller.call(this.#verbs.definitions, views);
  }

  /** Every version of every service that was applied, JSON by "<name>@<version>". Throws UnavailableError. */
  services(): Promise<ReadonlyMap<string, string>> {
    return this.#caller.call(this.#verbs.services, undefined);
  }

  /**
   * Registers definitions, JSON by view and by "<name>@<version>" of a service, on top of the change `n`. False if another
   * change came first: look again. Throws UnavailableError; MisuseError for another number of partitions.
   */
  async apply(
    n: number,
    definitions: ReadonlyMap<string, string>,
    services: ReadonlyMap<string, string> = new Map(),
  ): Promise<boolean> {
    const request = { n, partitions: this.#partitions.length, definitions, services };
    const reply = await this.#caller.call(this.#verbs.apply, request);
    if (reply.word === 'partitions') this.#requirePartitions(reply.n);
    return reply.word === 'done';
  }

  /** Registers the rank of a lane. Throws MisuseError if that of another lane is the same, or if it had another. */
  async enter(view: string, lane: string, rank: number): Promise<void> {
    let [word, detail] = await this.#caller.call(this.#verbs.enter, { view, lane, rank });
    for (let tries = 0; (word === 'forgot' || word === 'unknown') && tries < TRIES; tries += 1) {
      if ((await this.pointers([view])) === undefined) throw this.#unapplied();
      [word, detail] = await this.#caller.call(this.#verbs.enter, { view, lane, rank });
    }
    if (word === 'entered') return;
    if (word === 'forgot' || word === 'unknown') throw this.#restless();
    const why =
      word === 'ranked' ? `has rank ${detail} since it was first opened` : `cannot have that of "${detail}"`;
    throw new MisuseError(
      `The lane "${lane}" of the view "${view}" ${why}; got rank ${rank}. Lanes of a view differ in rank, so that rows with the same event time have an order; open it with another one.`,
    );
  }

  /**
   * Tells all partitions what is live, and all else that it knows. Resolves to "<view>.<generation>" of each that has ended: nothing
   * lands in them from then on. Throws UnavailableError.
   */
  async mirror(): Promise<readonly string[]> {
    const whole = await this.#caller.call(this.#verbs.whole, undefined);
    await Promise.all(this.#partitions.map((each) => each.call(each.verbs.mirror, whole)));
    return whole.ended === '' ? [] : whole.ended.split(',');
  }

  /** What no other store has, whatever its name. Throws UnavailableError; MisuseError if nothing was ever applied. */
  async identity(): Promise<string> {
    if ((await this.pointers([])) === undefined) throw this.#unapplied();
    return (await this.#caller.call(this.#verbs.whole, undefined)).id;
  }

  /** What was kept of a view as its baseline; undefined if nothing was. Throws UnavailableError. */
  baseline(view: string): Promise<string | undefined> {
    return this.#caller.call(HGET, { key: this.#baselines, field: view });
  }

  /** Keeps it, in place of what was kept; undefined for nothing. Throws UnavailableError. */
  async keepBaseline(view: string, baseline: string | undefined): Promise<void> {
    const field = { key: this.#baselines, field: view };
    await (baseline === undefined
      ? this.#caller.call(HDEL, field)
      : this.#caller.call(HSET, { ...field, value: baseline }));
  }

  /** The ranks of the lanes of a view, by name. Throws UnavailableError. */
  async ranks(view: string): Promise<ReadonlyMap<string, number>> {
    const beginning = `rank:${view}:`;
    const fields = [...(await this.#caller.call(HGETALL, this.#key))];
    const found = fields.filter(([field]) => field.startsWith(beginning));
    return new Map(found.map(([field, rank]) => [field.slice(beginning.length), Number(rank)]));
  }

  /** Which definitions were applied and which generations became live, the earliest first. Throws UnavailableError. */
  history(): Promise<readonly CatalogEntry[]> {
    return this.#caller.call(HISTORY, this.#history);
  }

  /** What was erased, and what was restored since. Throws UnavailableError. */
  async erasures(): Promise<readonly Erasure[]> {
    return readErasures(await this.#caller.call(HGETALL, this.#erasures));
  }

  /**
   * A change of generations or erasures, by its word and what goes with it. Where the server may have forgotten some of the
   * catalog, the partitions are asked first; but no cut ends then, because they may have forgotten that they take no rows.
   * Throws UnavailableError.
   */
  async change(name: ChangeName, args: readonly string[]): Promise<readonly string[]> {
    const verb = this.#verbs.changes[name];
    let reply = await this.#caller.call(verb, args);
    for (let tries = 0; reply[0] === 'forgot' && name !== 'swap' && tries < TRIES; tries += 1) {
      await this.#adopt(Number(reply[1]));
      reply = await this.#caller.call(verb, args);
    }
    return reply;
  }

  close(): void {
    this.#caller.close();
  }

  /** The generation that a cut of the view would have read, if one is under way. Throws UnavailableError. */
  cuttingTo(view: string): Promise<string | undefined> {
    return this.#caller.call(CUTTING, { key: this.#key, view });
  }

  /** Of each partition, the number of the last change that it was told of, 0 for none. Throws UnavailableError. */
  async told(): Promise<readonly number[]> {
    const all = this.#partitions.map((each) => each.call(MIRRORED, each.keys.of('record')));
    return (await Promise.all(all)).map(({ n }) => n);
  }

  /** Of each partition, until when somebody has claimed its log to export it, in microseconds. Throws UnavailableError. */
  claims(): Promise<readonly (LogClaim | undefined)[]> {
    return Promise.all(this.#partitions.map((each) => each.call(CLAIMED, each.keys.of('record'))));
  }

  /** Takes up what the partitions know. False if they know nothing either. */
  async #adopt(n: number): Promise<boolean> {
    const all = await Promise.all(
      this.#partitions.map((each) => each.call(MIRRORED, each.keys.of('record'))),
    );
    for (const { layout } of all) if (layout > LAYOUT) throw unknownLayout(this.#name, layout);
    const latest = all.reduce((one, other) => (other.n > one.n ? other : one));
    if (n === 0 && latest.n === 0) return false;
    await this.#caller.call(this.#verbs.adopt, { n, latest, partitions: this.#partitions.length });
    return true;
  }

  #requirePartitions(partitions: number): void {
    if (partitions === this.#partitions.length) return;
    throw new MisuseError(
      `The feature store "${this.#name}" has ${partitions} partitions, and this program says ${this.#partitions.length}; nothing was done. Give partitions: ${partitions} to createFeatures(), or another name for another store.`,
    );
  }

  #unapplied(): MisuseError {
    return new MisuseError(
      `Nothing was applied to the feature store "${this.#name}" yet; call apply() once, as when the program is deployed.`,
    );
  }

  #restless(): MisuseError {
    return new MisuseError(
      `The catalog of the feature store "${this.#name}" changed ${TRIES} times while it was read. Try again.`,
    );
  }
}

/** What a partition was last told of the catalog, which a user may ask who may only read there. */
const MIRRORED: CallCommand<string, Whole & { readonly layout: number }> = {
  ...{ command: 'HMGET', binary: true, keys: [], most: 1 },
  encode({ request }, keys, args) {
    keys.push(request);
    args.push('n', 'catalog', 'id', 'layout');
  },
  decode(reply) {
    const [n = '', catalog = '', id = '', layout = ''] = words(reply as readonly BinaryReply[]);
    return [{ n: Number(n), catalog, ended: '', id, alive: '', layout: Number(layout) }];
  },
};

const CUTTING: CallCommand<{ readonly key: string; readonly view: string }, string | undefined> = {
  ...{ command: 'HMGET', binary: true, keys: [], most: 1 },
  encode({ request: { key, view } }, keys, args) {
    keys.push(key);
    args.push(`cutting:${view}`);
  },
  decode(reply) {
    const [cutting = ''] = words(reply as readonly BinaryReply[]);
    return [cutting.split(' ', 1)[0] || undefined];
  },
};

interface LogClaim {
  readonly token: number;
  readonly until: number;
}

const CLAIMED: CallCommand<string, LogClaim | undefined> = {
  ...{ command: 'HMGET', binary: true, keys: [], most: 1 },
  encode({ request }, keys, args) {
    keys.push(request);
    args.push('claimed', 'exporter');
  },
  decode(reply) {
    const [until = '', exporter = ''] = words(reply as readonly BinaryReply[]);
    return [until === '' ? undefined : { token: Number(exporter.split(' ', 1)[0]), until: Number(until) }];
  },
};

const HISTORY: CallCommand<string, readonly CatalogEntry[]> = {
  ...{ command: 'XRANGE', binary: true, keys: [], most: 1 },
  encode({ request }, keys, args) {
    keys.push(request);
    args.push('-', '+');
  },
  decode(reply) {
    const entries = reply as unknown as readonly (readonly [BinaryReply, readonly BinaryReply[]])[];
    return [entries.map(([id, fields]) => [String(id), words(fields)])];
  },
};

interface ApplyRequest {
  readonly n: number;
  readonly partitions: number;
  readonly definitions: ReadonlyMap<string, string>;
  readonly services: ReadonlyMap<string, string>;
}

interface AdoptRequest {
  readonly n: number;
  readonly latest: Whole;
  readonly partitions: number;
}

interface EnterRequest {
  readonly view: string;
  readonly lane: string;
  readonly rank: number;
}

/** The verbs that change or tell generations and erasures; the Lua files say what they take and answer. */
export type ChangeName = (typeof CHANGES)[number];

const CHANGES = [
  ...([
    'begin',
    'cut',
    'uncut',
    'overdue',
    'swap',
    'retire',
    'abandon',
    'pin',
    'unpin',
    'prune',
    'lineup',
  ] as const),
  ...(['erase', 'inventory'] as const),
];

function catalogVerbs(keys: ReturnType<typeof keysOf>, random: Random) {
  const change = (name: ChangeName) =>
    verbFor(keys, name, { args: (args: readonly string[]) => args }, words);
  const changes = Object.fromEntries(CHANGES.map((name) => [name, change(name)]));
  return {
    changes: changes as Record<ChangeName, ReturnType<typeof change>>,
    pointers: verbFor(keys, 'pointers', { args: (views: readonly string[]) => views }, (reply, views) =>
      readPointers(words(reply), views),
    ),
    whole: verbFor(keys, 'whole', { args: () => [] }, (reply): Whole => {
      const [, n = '', ended = '', id = '', alive = '', ...fields] = words(reply);
      return { n: Number(n), catalog: JSON.stringify(fields), ended, id, alive };
    }),
    definitions: verbFor(
      keys,
      'definitions',
      { args: (views: readonly string[]) => views },
      (reply, views): ReadonlyMap<string, AppliedDefinition> => {
        const [, ...rest] = words(reply);
        const found = views.flatMap((view, index): [string, AppliedDefinition][] => {
          const [applied = '', definition = ''] = rest.slice(2 * index);
          return applied === '' ? [] : [[view, { applied: Number(applied), definition }]];
        });
        return new Map(found);
      },
    ),
    services: verbFor(keys, 'services', { args: () => [] }, (reply): ReadonlyMap<string, string> => {
      const rest = words(reply.slice(1));
      return new Map(rest.flatMap((name, at) => (at % 2 === 0 ? [[name, rest[at + 1] ?? '']] : [])));
    }),
    apply: verbFor(
      keys,
      'apply',
      {
        args: ({ n, partitions, definitions, services }: ApplyRequest) => [
          ...[String(n), String(partitions), random.id() + random.id(), String(definitions.size)],
          ...[...definitions, ...services].flat(),
        ],
      },
      (reply): Applied => {
        const [word, n] = words(reply);
        return { word: word as Applied['word'], n: Number(n) };
      },
    ),
    adopt: verbFor(
      keys,
      'adopt',
      {
        args: ({ n, latest, partitions }: AdoptRequest) => [
          ...[String(n), String(latest.n), String(partitions), latest.id],
          ...(JSON.parse(latest.catalog || '[]') as readonly string[]),
        ],
      },
      ([word]): string => String(word),
    ),
    enter: verbFor(
      keys,
      'enter',
      { args: ({ view, lane, rank }: EnterRequest) => [view, lane, String(rank)] },
      words,
    ),
  };
}

function readPointers(
  [word = '', n = '', time = '', partitions = '', ...rest]: readonly string[],
  views: readonly string[],
): PointersReply {
  if (word === 'unknown') return { word };
  if (word === 'forgot') return { word, n: Number(n) };
  const known = views.flatMap((view, index): [string, ViewPointer][] => {
    const [live = '', applied = ''] = rest.slice(2 * index);
    return live === '' ? [] : [[view, { live, applied: Number(applied) }]];
  });
  return { n: Number(n), time: Number(time), partitions: Number(partitions), views: new Map(known) };
}
