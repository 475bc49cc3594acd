/**
 * The record of what has happened to resources: who was granted them, until when, and which writes were refused.
 *
 * Guarantees: bounded. Of a resource about 200 entries are kept, for a day after the last; of refusals about 1,000. It is
 * for people: nothing decides by it, and it may lack entries.
 */
import {
  type Clock,
  orSystemClock,
  passedOn,
  type Readers,
  readOptions,
  requirePrefix,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import {
  FORBIDDEN_ADVICE,
  isForbidden,
  MissingRightsError,
  type NodeSource,
  reasonOf,
  type Script,
  scriptFrom,
  useNode,
} from '@holdfast/redis';

export interface RecordOptions {
  /** The Redis that keeps the record: a URL, or your own ioredis or node-redis client. */
  readonly redis: NodeSource;
  /** Begins every key, so that environments can share a Redis. Default none. */
  readonly prefix?: string;
  /** The clock; tests pass their own. Default: the system's. */
  readonly clock?: Clock;
}

/** Something that has happened to a resource. */
export interface RecordEntry {
  readonly resource: string;
  /** "granted": a lease was. "ended": it was released. "lost": its holder can no longer prove it. "refused": a token was. */
  readonly kind: 'granted' | 'ended' | 'lost' | 'refused';
  /** Of the lease; the one that was offered, if it was refused. */
  readonly token: number;
  readonly owner?: string;
  /** That which the guard has accepted, if a token was refused. */
  readonly seen?: number;
  /** Why a token was refused: as in StaleTokenError, or "issuer". */
  readonly reason?: string;
}

/** An entry as it is read back. */
export interface Recorded extends RecordEntry {
  /** When it was recorded, in ms since the epoch, by the clock of Redis. */
  readonly at: number;
}

export const RECORD = {
  redis: passedOn<NodeSource>(),
  prefix: withDefault(requirePrefix, ''),
  clock: orSystemClock,
} satisfies Readers<RecordOptions>;

const LUA = new URL('../../lua/', import.meta.url);
const reportScript: Script = scriptFrom(LUA, 'report');
const recallScript: Script = scriptFrom(LUA, 'recall');

/** In ms. */
const KEPT = 86_400_000;
const TIMEOUT = 2_000;

/** The record. Made by `openRecord`. */
export class ResourceRecord {
  readonly #root: string;
  readonly #use: ReturnType<typeof useNode>;

  /** @internal */
  constructor({ redis, prefix, clock }: Required<RecordOptions>) {
    this.#root = `${prefix}{holdfast:report}:`;
    this.#use = useNode(redis, { key: this.#refusals, clock });
  }

  get #refusals(): string {
    return `${this.#root}refused`;
  }

  readonly #keyOf = (resource: string): string => `${this.#root}of:${resource}`;

  /** @internal Rejects where Redis is away or refuses. */
  async add(entry: RecordEntry): Promise<void> {
    await this.#use.node.open();
    const fields = Object.entries(entry).flatMap(([field, value]) =>
      value === undefined ? [] : [field, String(value)],
    );
    const keys = [this.#keyOf(entry.resource), this.#refusals];
    await this.#use.node.run(reportScript, keys, [entry.kind, String(KEPT), ...fields], TIMEOUT);
  }

  /** What has happened to a resource, the newest first. Rejects with UnavailableError, MisuseError. */
  of(resource: string, limit = 200): Promise<readonly Recorded[]> {
    return this.#read(this.#keyOf(resource), limit);
  }

  /** The tokens that were refused, of all resources, the newest first. Rejects with UnavailableError, MisuseError. */
  refused(limit = 100): Promise<readonly Recorded[]> {
    return this.#read(this.#refusals, limit);
  }

  /** Ends its connection. May be repeated. */
  close(): void {
    this.#use.release();
  }

  async #read(key: string, limit: number): Promise<readonly Recorded[]> {
    const { node } = this.#use;
    await node.open();
    const reply = await node.run(recallScript, [key], [String(limit)], TIMEOUT).catch((error: unknown) => {
      throw unread(node.address, reasonOf(error));
    });
    return (reply as readonly [string, readonly string[]][]).map(([id, fields]) => recordedOf(id, fields));
  }
}

const unread = (node: string, reason: string): Error =>
  isForbidden(reason)
    ? new MissingRightsError(`The record of resources cannot be read: ${reason}. ${FORBIDDEN_ADVICE}`)
    : new UnavailableError('The record of resources cannot be read.', [{ node, reason }]);

function recordedOf(id: string, list: readonly string[]): Recorded {
  const fields = new Map<string, string>();
  for (let at = 0; at < list.length; at += 2) fields.set(list[at] ?? '', list[at + 1] ?? '');
  const [owner, seen, reason] = [fields.get('owner'), fields.get('seen'), fields.get('reason')];
  return {
    at: Number.parseInt(id, 10),
    resource: fields.get('resource') ?? '',
    kind: fields.get('kind') as RecordEntry['kind'],
    token: Number(fields.get('token')),
    ...(owner !== undefined && { owner }),
    ...(seen !== undefined && { seen: Number(seen) }),
    ...(reason !== undefined && { reason }),
  };
}

/** Opens the record, to read it. Connects on first use. Throws MisuseError for options that cannot work. */
export const openRecord = (options: RecordOptions): ResourceRecord =>
  new ResourceRecord(readOptions('openRecord', options, RECORD) as Required<RecordOptions>);
