/**
 * The guarded read-modify-write of one entry: seal, read the head, write the next link of the chain.
 *
 * An entry is a chain: field n of the hash holds "id token id-of-n-minus-1", and the head holds n. A lost update
 * shows as an acknowledged link that was overwritten; a write upon a stale read as a link that names another before it.
 * A write that is carried out twice changes nothing. After a write whose outcome is unknown, nothing more may be written
 * under the same lease: it may still arrive, and only a higher token keeps it out.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { TokenClaim } from '@holdfast/kernel';
import type { Redis } from 'ioredis';

export const chainKey = (entries: string, resource: string): string => `{holdfast}:${entries}:${resource}`;
export const headKey = (entries: string, resource: string): string => `${chainKey(entries, resource)}:head`;

export class Ledger {
  readonly #guard: RedisGuard;
  readonly #reader: Redis;
  readonly #entries: string;

  constructor(guard: RedisGuard, reader: Redis, entries: string) {
    this.#guard = guard;
    this.#reader = reader;
    this.#entries = entries;
  }

  /** Seals and reads; what it returns writes the next link with this id. */
  async open(holder: TokenClaim): Promise<(id: string) => Promise<void>> {
    const { resource, token } = holder;
    const sealed = await this.#guard.seal(holder);
    const chain = chainKey(this.#entries, resource);
    const head = headKey(this.#entries, resource);
    const length = Number((await this.#reader.get(head)) ?? 0);
    const last = length === 0 ? '-' : ((await this.#reader.hget(chain, String(length))) ?? '?');
    const before = last.split(' ')[0] ?? '?';
    return async (id) => {
      await sealed.write([
        ['HSET', chain, String(length + 1), `${id} ${token} ${before}`],
        ['SET', head, String(length + 1)],
      ]);
    };
  }
}
