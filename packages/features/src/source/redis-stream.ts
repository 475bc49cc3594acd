/**
 * Redis streams as a source: each stream is a partition, and the id of an entry its offset.
 *
 * Guarantees: entries are read in order over a connection of their own, which waits for more; where the server is away, that is
 * an UnavailableError; where the key is no stream, or the user lacks the right, a MisuseError. Every batch comes with what the
 * stream had right after it was read, so that a stream that was trimmed past what a lane has taken in, or that was made anew,
 * is found out. Redis does not say which entries were trimmed: where the last one that was taken in is gone and others have
 * come, the stream counts as trimmed too far, so keep a few entries more than were taken in.
 */
import type { ConnectionOptions } from 'node:tls';
import {
  type Clock,
  HoldfastError,
  having,
  MisuseError,
  optional,
  orSystemClock,
  passedOn,
  type Readers,
  readOptions,
  type Settings,
  UnavailableError,
  whole,
  withDefault,
} from '@holdfast/kernel';
import {
  type Connection,
  connect,
  FORBIDDEN_ADVICE,
  isForbidden,
  MissingRightsError,
  type NodeSource,
  type Reply,
  reasonOf,
  type StreamEntry,
  StreamReader,
} from '@holdfast/redis';
import type { Extent, Offset, Source, SourceBatch } from './source.js';

export interface RedisStreamOptions {
  /** The Redis of the streams: a URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** The keys of the streams, 1 to 1024. The place of a key in the list is the number of its partition. */
  readonly streams: readonly string[];
  /** How many entries one read brings at most, 1 to 10000. Default 1000. */
  readonly most?: number;
  /** TLS settings for a `rediss://` URL. */
  readonly tls?: ConnectionOptions;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
}

const STREAM = {
  redis: passedOn<NodeSource>(),
  streams: having<readonly string[]>(),
  most: withDefault(whole(1, 10_000), 1_000),
  tls: optional(having<ConnectionOptions>()),
  clock: orSystemClock,
} satisfies Readers<RedisStreamOptions>;

/** Entries of streams, as `{ field: value }`. Connects when it is read. Throws MisuseError. */
export function redisStream(options: RedisStreamOptions): Source {
  const settings = readOptions('redisStream()', options, STREAM);
  const { streams } = settings;
  const fits = Array.isArray(streams) && streams.every((key) => typeof key === 'string' && key !== '');
  if (!fits || streams.length === 0 || streams.length > 1024 || new Set(streams).size !== streams.length) {
    throw new MisuseError(
      'redisStream() takes 1 to 1024 keys of streams, each once, as its option "streams".',
    );
  }
  return new RedisStreams(settings);
}

class RedisStreams implements Source {
  readonly name: string;
  readonly partitions: readonly number[];
  readonly #settings: Settings<typeof STREAM>;

  constructor(settings: Settings<typeof STREAM>) {
    this.#settings = settings;
    this.name = settings.streams.join(', ');
    this.partitions = settings.streams.map((_, number) => number);
  }

  nameOf(partition: number): string {
    return this.#settings.streams[partition] ?? '';
  }

  async extent(partition: number): Promise<Extent> {
    const { redis, tls } = this.#settings;
    const key = this.nameOf(partition);
    const connection = connect(redis, { tls, key });
    try {
      await connection.open();
      return await this.#extentOf(connection, key);
    } finally {
      connection.close();
    }
  }

  async *read(partition: number, after: Offset | undefined, signal: AbortSignal): AsyncIterable<SourceBatch> {
    const { redis, tls, most, clock } = this.#settings;
    const key = this.nameOf(partition);
    const connection = connect(redis, { tls, key, alone: true });
    const reader = new StreamReader(connection, clock);
    const close = (): void => reader.close();
    signal.addEventListener('abort', close, { once: true });
    let place = after === undefined ? '0-0' : `${after[0]}-${after[1]}`;
    try {
      while (!signal.aborted) {
        const [entries = []] = await reader.read([key], [place], most);
        // Entries that were trimmed or deleted just before this are not among them.
        const extent = await this.#extentOf(connection, key);
        // Where nothing has come, whoever reads is told so now and then.
        [place] = entries.at(-1) ?? [place];
        if (place !== '0-0') yield { records: entries.map(recordOf), through: offsetOf(place), extent };
      }
    } catch (error) {
      if (!signal.aborted) throw this.#failure(connection, key, error);
    } finally {
      signal.removeEventListener('abort', close);
      reader.close();
    }
  }

  async #extentOf(connection: Connection, key: string): Promise<Extent> {
    const info = await connection.send('XINFO', ['STREAM', key]).then(fieldsOf, (error: unknown) => {
      if (/no such key/i.test(reasonOf(error))) return undefined;
      throw this.#failure(connection, key, error);
    });
    if (info === undefined) return { lostThrough: undefined, last: undefined };
    const last = offsetOf(String(info.get('last-generated-id') ?? '0-0'));
    const [first] = (info.get('first-entry') as StreamEntry | null) ?? [];
    const lost = first === undefined ? last : before(offsetOf(first));
    return { lostThrough: isZero(lost) ? undefined : lost, last: isZero(last) ? undefined : last };
  }

  /** Whether another try may help: not where the key is no stream, or the user lacks the right. */
  #failure({ address }: Connection, key: string, error: unknown): HoldfastError {
    if (error instanceof HoldfastError) return error;
    const reason = reasonOf(error);
    if (isForbidden(reason)) {
      return new MissingRightsError(
        `${address} does not let this user read the stream "${key}". ${FORBIDDEN_ADVICE}\n  ${address}: ${reason}`,
      );
    }
    if (/^(?:WRONGTYPE|ERR)\b/.test(reason))
      return new MisuseError(`"${key}" cannot be read as a stream.\n  ${address}: ${reason}`);
    return new UnavailableError(`The stream "${key}" could not be read; it is tried again.`, [
      { node: address, reason },
    ]);
  }
}

function recordOf([id, fields]: StreamEntry) {
  const value: Record<string, string> = {};
  for (let place = 0; place < fields.length; place += 2) value[fields[place] ?? ''] = fields[place + 1] ?? '';
  return { offset: offsetOf(id), value };
}

function offsetOf(id: string): Offset {
  const [high = 0, low = 0] = id.split('-').map(Number);
  return [high, low];
}

/** The highest offset below one. */
const before = ([high, low]: Offset): Offset => (low > 0 ? [high, low - 1] : [high - 1, 2 ** 32 - 1]);

const isZero = ([high, low]: Offset): boolean => high === 0 && low === 0;

/** A flat list or a map, depending on client and protocol version. */
function fieldsOf(reply: Reply): ReadonlyMap<string, unknown> {
  const found: unknown = reply;
  if (found instanceof Map) return found;
  if (!Array.isArray(found)) return new Map(Object.entries(Object(found)));
  return new Map(
    Array.from({ length: found.length / 2 }, (_, index) => [String(found[2 * index]), found[2 * index + 1]]),
  );
}
