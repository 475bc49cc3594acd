/**
 * Quotas: how much the subject of a key may have stored and held, over all replicas.
 *
 * Guarantees: what is stored and held never exceeds a quota, because it is counted before it is stored, and taken off only when
 * it was seen to be over. So more may be counted than there is: for as long as nothing is refused, nobody looks. Before
 * something is refused, what is counted is looked up, those first that were looked at longest ago, up to 2,000. A write whose
 * outcome is unknown stays counted, and is looked up after a minute. Leases are counted until they must have run out. What a
 * key without quotas has stored is not counted; extending its leases counts them. If Redis loses the ledger, leases are
 * counted again with their next extensions.
 */
import { AbortedError, HoldfastError, UnavailableError } from '@holdfast/kernel';
import type { Caller } from '../auth/caller.js';
import { QuotaExceededError } from '../errors.js';
import type { Full, Item, Ledger, Reserved, Settled } from './ledger.js';
import { BYTES_OF, type Limits, QUOTAS, type QuotaName, type StoredKind } from './limits.js';

/** What became of something that was to be stored: it is stored by us, was there, or its bytes are those of another now. */
export type Fate = 'stored' | 'there' | { readonly insteadOf: string };

/** Whether something that was stored is still there, and not over. Throws UnavailableError. */
export type IsAlive = (kind: StoredKind, thing: string) => Promise<boolean>;

/** A lease, as it is counted. */
interface HeldLease {
  readonly resource: string;
  readonly owner: string;
}

/** How a lease outlives what the server knows of it, in ms: calls that arrive late, and clocks that drift. */
const SLACK = 10_000;
const DRIFT = 1.01;
/** How many things are looked up at once, and before something is refused. */
const AT_ONCE = 100;
const MOST_LOOKED_UP = 2_000;

/** As things are counted: a name of several parts. */
export const thingOf = (...parts: readonly (string | undefined)[]): string => JSON.stringify(parts);
export const partsOf = (thing: string): readonly (string | null)[] => JSON.parse(thing);
const thingOfLease = ({ resource, owner }: HeldLease): string => thingOf(resource, owner);

/** How many bytes a value takes. */
export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

export class Quotas {
  readonly #ledger: () => Ledger;
  readonly #isAlive: IsAlive;
  readonly #looking = new Map<string, Promise<number>>();

  constructor(ledger: () => Ledger, isAlive: IsAlive) {
    this.#ledger = ledger;
    this.#isAlive = isAlive;
  }

  /** Whether what the caller stores of a kind is counted. */
  counts({ quotas }: Caller, kind: StoredKind): boolean {
    const bytes = BYTES_OF[kind];
    return quotas?.[kind] !== undefined || (bytes !== undefined && quotas?.[bytes] !== undefined);
  }

  /**
   * Stores one thing, if the caller's quotas have room for it. `item` is asked for only where it is counted. `fateOf`: what became of it, by what `write` gave. Throws
   * QuotaExceededError, UnavailableError.
   */
  async store<Result>(
    caller: Caller,
    { kind, item }: { readonly kind: StoredKind; readonly item: () => Item },
    write: () => Promise<Result>,
    fateOf: (result: Result) => Fate = () => 'stored',
  ): Promise<Result> {
    if (!this.counts(caller, kind)) return write();
    const items = { kind, items: () => [item()] };
    const [one] = await this.storeAll(caller, items, async () => [await settledOf(write())], fateOf);
    if (one?.status === 'fulfilled') return one.value;
    throw one?.reason;
  }

  /** Stores several, if there is room for all of them; `write` settles each. Throws QuotaExceededError, UnavailableError. */
  async storeAll<Result>(
    caller: Caller,
    { kind, items: given }: { readonly kind: StoredKind; readonly items: () => readonly Item[] },
    write: () => Promise<readonly PromiseSettledResult<Result>[]>,
    fateOf: (result: Result, index: number) => Fate,
  ): Promise<readonly PromiseSettledResult<Result>[]> {
    if (!this.counts(caller, kind)) return write();
    const items = given();
    const reserved = await this.#reserve(caller, kind, items);
    const written = await write();
    const settled = new Map<string, Settled | undefined>();
    for (const [index, { thing }] of items.entries()) {
      const one = written[index] as PromiseSettledResult<Result>;
      const settlement = settlementOf(thing, reserved, one, (result) => fateOf(result, index));
      // Of one that is named twice, what may be stored counts.
      const before = settled.get(thing);
      const isFirst = !settled.has(thing);
      if (isFirst || settlement === undefined || (before !== undefined && settlement.fate === 'stored'))
        settled.set(thing, settlement);
    }
    // What cannot be noted now is looked up later.
    await this.#ledger()
      .settle(
        caller.subject,
        kind,
        [...settled.values()].filter((each) => each !== undefined),
      )
      .catch(() => 0);
    return written;
  }

  /** Takes so many leases, if the quota has room for them. `longest`: by when they end at the latest, in ms. */
  async take<Result>(
    caller: Caller,
    { count, wait, ttl }: { readonly count: number; readonly wait: number; readonly ttl: number },
    grant: () => Promise<Result>,
    leasesOf: (result: Result) => readonly HeldLease[],
  ): Promise<Result> {
    const limit = caller.quotas?.leases;
    if (limit === undefined) return grant();
    const { subject } = caller;
    const ledger = this.#ledger();
    const request = crypto.randomUUID();
    const places = Array.from({ length: count }, (_, index) => thingOf(request, String(index)));
    const { isFull, held, next } = await ledger.hold(subject, limit, wait + lastingOf(ttl), { held: places });
    if (isFull)
      throw new QuotaExceededError({ quota: 'leases', limit, used: held, subject, retryAfter: next });
    const swap = (leases: readonly HeldLease[]): Promise<unknown> =>
      ledger
        .hold(subject, undefined, lastingOf(ttl), { ended: places, held: leases.map(thingOfLease) })
        .catch(() => {}); // it stays counted until it must have run out
    try {
      const result = await grant();
      await swap(leasesOf(result));
      return result;
    } catch (error) {
      if (isCertain(error)) await swap([]);
      throw error;
    }
  }

  /** Notes that leases are being extended. Never rejects: no extension fails for the sake of a quota. */
  async extend(caller: Caller, leases: readonly HeldLease[], ttl: number): Promise<void> {
    if (caller.quotas?.leases === undefined) return;
    const held = leases.map(thingOfLease);
    await this.#hold(caller, lastingOf(ttl), { held });
  }

  /** Notes that leases have ended. Never rejects: they are counted until they must have run out. */
  async end(caller: Caller, leases: readonly HeldLease[]): Promise<void> {
    if (caller.quotas?.leases === undefined || leases.length === 0) return;
    await this.#hold(caller, 0, { ended: leases.map(thingOfLease) });
  }

  async #hold({ subject }: Caller, lifetime: number, what: Parameters<Ledger['hold']>[3]): Promise<void> {
    try {
      await this.#ledger().hold(subject, undefined, lifetime, what);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
    }
  }

  /** What the caller's quotas are, and how much of each is used, after what is over was looked up. Throws UnavailableError. */
  async usage({ subject, quotas = {} }: Caller): Promise<Readonly<Record<string, Usage>>> {
    const shown: [QuotaName, Usage][] = [];
    for (const quota of QUOTAS) {
      const limit = quotas[quota];
      if (limit !== undefined) shown.push([quota, { limit, used: await this.#used(subject, quota) }]);
    }
    return Object.fromEntries(shown);
  }

  async #used(subject: string, quota: QuotaName): Promise<number> {
    if (quota === 'leases') return (await this.#ledger().hold(subject, undefined, 0, {})).held;
    const kind = quota === 'taskBytes' ? 'tasks' : quota === 'runBytes' ? 'runs' : quota;
    await this.#lookUp(subject, kind);
    const asked = quota === kind ? { count: -1, bytes: undefined } : { count: undefined, bytes: -1 };
    // Something that goes beyond any limit is never counted: the answer is what is used.
    const reserved = await this.#ledger().reserve(subject, kind, asked, [{ thing: 'none', bytes: 1 }]);
    return 'full' in reserved ? reserved.used : 0;
  }

  async #reserve(caller: Caller, kind: StoredKind, items: readonly Item[]): Promise<Reserved> {
    const { subject, quotas = {} } = caller;
    const most = limitsOf(quotas, kind);
    let reserved = await this.#ledger().reserve(subject, kind, most, items);
    if ('full' in reserved && (await this.#lookUp(subject, kind)) > 0) {
      reserved = await this.#ledger().reserve(subject, kind, most, items);
    }
    if (!('full' in reserved)) return reserved;
    throw exceeded(caller, kind, reserved, items.length);
  }

  /** Takes off what is over. Resolves to how many. One of a subject's at a time is under way; others have its answer. */
  #lookUp(subject: string, kind: StoredKind): Promise<number> {
    const name = thingOf(subject, kind);
    let looking = this.#looking.get(name);
    if (looking === undefined) {
      looking = this.#lookAll(subject, kind).finally(() => this.#looking.delete(name));
      this.#looking.set(name, looking);
    }
    return looking;
  }

  async #lookAll(subject: string, kind: StoredKind): Promise<number> {
    const seen = new Set<string>();
    let gone = 0;
    while (seen.size < MOST_LOOKED_UP) {
      const oldest = await this.#ledger().oldest(subject, kind, AT_ONCE);
      const others = oldest.filter(({ thing }) => !seen.has(thing));
      if (others.length === 0) break;
      for (const { thing } of others) seen.add(thing);
      const settled = await Promise.all(
        others.map(async ({ thing, stamp }): Promise<Settled> => {
          const isAlive = await this.#isAlive(kind, thing);
          return { thing, stamp, fate: isAlive ? 'alive' : 'gone' };
        }),
      );
      gone += await this.#ledger().settle(subject, kind, settled);
    }
    return gone;
  }
}

/** How much of a quota is used. */
export interface Usage {
  readonly limit: number;
  readonly used: number;
}

const lastingOf = (ttl: number): number => ttl * DRIFT + SLACK;

/** Whether nothing was done, for certain. */
const isCertain = (error: unknown): boolean =>
  error instanceof HoldfastError && !(error instanceof UnavailableError) && !(error instanceof AbortedError);

async function settledOf<Result>(written: Promise<Result>): Promise<PromiseSettledResult<Result>> {
  const [settled] = await Promise.allSettled([written]);
  return settled as PromiseSettledResult<Result>;
}

/** Nothing where it is not known what became of it. */
function settlementOf<Result>(
  thing: string,
  { stamp, fresh }: Reserved,
  written: PromiseSettledResult<Result>,
  fateOf: (result: Result) => Fate,
): Settled | undefined {
  if (written.status === 'rejected') {
    if (!isCertain(written.reason)) return undefined;
    return { thing, stamp, fate: fresh.has(thing) ? 'gone' : 'stored' };
  }
  const fate = fateOf(written.value);
  if (fate === 'stored' || !fresh.has(thing)) return { thing, stamp, fate: 'stored' };
  if (fate === 'there') return { thing, stamp, fate: 'gone' };
  return { thing, stamp, fate: 'instead', other: fate.insteadOf };
}

function limitsOf(quotas: Limits, kind: StoredKind) {
  const bytes = BYTES_OF[kind];
  return { count: quotas[kind], bytes: bytes && quotas[bytes] };
}

function exceeded(
  { subject, quotas = {} }: Caller,
  kind: StoredKind,
  { full, used }: Full,
  asked: number,
): QuotaExceededError {
  const quota = full === 'count' ? kind : (BYTES_OF[kind] ?? kind);
  return new QuotaExceededError({ quota, limit: quotas[quota] ?? 0, used, subject, asked });
}
