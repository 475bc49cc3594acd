/**
 * Which users are erased, judged when the catalog and the partitions answer.
 *
 * Guarantees: nothing is erased or restored under a token below one that has done so. What a partition says it has deleted is
 * gone. Once erasing has come to its end, there is no row of the user in any generation, until somebody begins to restore it.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { CATALOG, ERASURES, PARTITIONS, partitionKey } from './names.js';
import type { Server } from './servers.js';

interface ErasuresOptions {
  readonly violate: Violate;
  readonly server: Server;
  /** In microseconds of true time. */
  readonly now: () => number;
}

/** By whom what is erased: the catalog, or a partition. */
type Place = 'catalog' | number;

export class ErasuresSeen {
  /** Users that were ever to be erased: their windows lack what was refused meanwhile. */
  readonly ever = new Set<string>();
  readonly #options: ErasuresOptions;
  /** The highest token that has erased or restored. */
  readonly #highest = new Map<Place, number>();
  /** Users of whom a partition takes no rows. */
  readonly #refused = Array.from({ length: PARTITIONS }, () => new Set<string>());
  readonly #touchedAt = new Map<string, number>();
  readonly #restoredAt = new Map<string, number>();
  readonly #settled = new Map<string, number>();

  constructor(options: ErasuresOptions) {
    this.#options = options;
  }

  /** Whether a partition takes no rows of the user. */
  isRefused(partition: number, user: string): boolean {
    return this.#refused[partition]?.has(user) ?? false;
  }

  /** When rows of the user were last deleted, or taken again. */
  touchedAt(user: string): number {
    return this.#touchedAt.get(user) ?? -1;
  }

  /** Whether somebody was told, by then, that the user is erased, and nobody has restored it since. */
  isSettled(user: string, by: number): boolean {
    return (this.#settled.get(user) ?? Number.POSITIVE_INFINITY) <= by;
  }

  /** Whether the catalog knows the user as erased. */
  isErased(user: string): boolean {
    return this.noted().some(([name, isErased]) => name === user && isErased);
  }

  /** Users that the catalog knows as erased or restored. */
  noted(): readonly (readonly [user: string, isErased: boolean])[] {
    const fields = this.#options.server.look(ERASURES) as ReadonlyMap<string, string> | undefined;
    return [...(fields ?? [])].map(([name, value]) => [userOf(name), value.endsWith(' erased')]);
  }

  look({ verb, keys, args }: Call, reply: readonly unknown[]): void {
    const [word] = reply;
    if (verb === 'erase' && word === 'done') {
      const [name = '', token = '', , places = ''] = args;
      this.#requireRight('catalog', Number(token), `${places === '' ? 'erases' : 'restores'} ${name}`);
      this.ever.add(userOf(name));
      if (places !== '') this.#restores(userOf(name));
    }
    if (verb === 'forget' && word === 'forgotten') this.#forget(keys, args);
  }

  /** A process was told that a user is erased; it has begun at `since`. */
  hasErased(user: string, since: number): void {
    if ((this.#restoredAt.get(user) ?? -1) >= since) return;
    this.#settled.set(user, this.#options.now());
    this.requireGone(user);
  }

  /** A process was told that a user is restored; it has begun at `since`. */
  isRestored(user: string, since: number): void {
    const isErased = this.#refused.some((users) => users.has(user));
    if (isErased && this.touchedAt(user) < since)
      this.#options.violate('X1', `${user} was restored, and a partition takes no rows of it`);
  }

  /** No generation that the catalog knows has a row of the user. */
  requireGone(user: string): void {
    const { server } = this.#options;
    const catalog = server.look(CATALOG) as ReadonlyMap<string, string> | undefined;
    for (const name of Object.keys(server.dump())) {
      const [, view, id = ''] = /:(profile|counts)\.([^:]+):/.exec(name) ?? [];
      const isKnown = catalog?.get(`generations:${view}`)?.includes(`${id} `) ?? false;
      if (view !== undefined && isKnown && name.endsWith(`:${user}`))
        this.#options.violate('X1', `${name} is there, although ${user} is erased`);
    }
  }

  /** What the server knows is what counts from now on. */
  reload(): void {
    for (const [partition, users] of this.#refused.entries()) {
      const known = this.#options.server.look(partitionKey(partition, 'forgotten'));
      users.clear();
      for (const name of (known as ReadonlySet<string> | undefined) ?? []) users.add(userOf(name));
    }
  }

  /** Who has erased is forgotten with the server's memory, and what was erased, too. */
  forgets(): void {
    this.#highest.clear();
    this.#settled.clear();
    for (const user of this.ever) this.#restoredAt.set(user, this.#options.now());
  }

  #forget(keys: readonly string[], [token = '', , name = '', isErased]: readonly string[]): void {
    const partition = Number(/\.(\d+)\}/.exec(keys[0] ?? '')?.[1]);
    const user = userOf(name);
    if (token !== '') this.#requireRight(partition, Number(token), `erases or restores ${name}`);
    this.#touchedAt.set(user, this.#options.now());
    if (isErased === '1') this.#refused[partition]?.add(user);
    else {
      this.#refused[partition]?.delete(user);
      this.#restores(user);
    }
    for (const key of keys.filter((each) => /:(?:profile|counts)\./.test(each)))
      if (this.#options.server.look(key) !== undefined)
        this.#options.violate('X1', `${key} is there, although a partition has deleted it`);
  }

  #restores(user: string): void {
    this.#restoredAt.set(user, this.#options.now());
    this.#settled.delete(user);
  }

  #requireRight(place: Place, token: number, what: string): void {
    const highest = this.#highest.get(place) ?? 0;
    if (token < highest)
      this.#options.violate(
        'X2',
        `under token ${token}, somebody ${what}, after ${highest} has erased or restored`,
      );
    this.#highest.set(place, Math.max(token, highest));
  }
}

const userOf = (name: string): string => name.slice(name.indexOf(':') + 1);
