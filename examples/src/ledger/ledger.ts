/**
 * The ledger: the resource that the lease protects. One Redis keeps, for one account, a balance and the list of the
 * increments that made it: "<id> <token>" for each.
 *
 * Guarantees: balance and entry are written in one step, guarded or not, so that whatever is lost is lost to a stale
 * write and to nothing else. With the guard, a stale write throws StaleTokenError and changes nothing. Without it,
 * the balance is whatever the last writer believed.
 */
import type { TokenClaim } from '@holdfast/fence';
import { createRedisGuard } from '@holdfast/fence/redis';
import { Redis } from 'ioredis';

/** The resource that the workers contend for. */
export const ACCOUNT = 'account:42';

const BALANCE = `{ledger}:${ACCOUNT}:balance`;
const ENTRIES = `{ledger}:${ACCOUNT}:entries`;

export interface Entry {
  readonly id: string;
  readonly token: number;
}

/** The account, open to one holder of a lease: read it, then record one increment on top of what was read. */
export interface OpenAccount {
  balance(): Promise<number>;
  increment(id: string, balance: number): Promise<void>;
}

export class Ledger {
  readonly #redis: Redis;
  readonly #guard: ReturnType<typeof createRedisGuard>;
  readonly #fenced: boolean;

  constructor(url: string, options: { readonly fenced: boolean }) {
    this.#redis = new Redis(url, { lazyConnect: true });
    this.#guard = createRedisGuard({ redis: url, name: 'ledger' });
    this.#fenced = options.fenced;
  }

  /** Declares that the ledger's Redis is new. Only whoever has just created it may say so. */
  async initialize(): Promise<void> {
    await this.#redis.set(BALANCE, 0);
    await this.#guard.initialize();
  }

  /** Seals the account under the holder's token, before it is read; unfenced, it just opens. */
  async open(holder: TokenClaim): Promise<OpenAccount> {
    const balance = async (): Promise<number> => Number(await this.#redis.get(BALANCE));
    const entry = (id: string): string => `${id} ${holder.token}`;
    if (this.#fenced) {
      const account = await this.#guard.seal(holder);
      return {
        balance,
        increment: async (id, before) => {
          await account.write([
            ['SET', BALANCE, before + 1],
            ['RPUSH', ENTRIES, entry(id)],
          ]);
        },
      };
    }
    return {
      balance,
      increment: async (id, before) => {
        await this.#redis
          .multi()
          .set(BALANCE, before + 1)
          .rpush(ENTRIES, entry(id))
          .exec();
      },
    };
  }

  /** All that the account says, for the verdict. */
  async readAll(): Promise<{ readonly balance: number; readonly entries: readonly Entry[] }> {
    const balance = Number(await this.#redis.get(BALANCE));
    const lines = await this.#redis.lrange(ENTRIES, 0, -1);
    const entries = lines.map((line) => {
      const [id = '', token] = line.split(' ');
      return { id, token: Number(token) };
    });
    return { balance, entries };
  }

  async close(): Promise<void> {
    await this.#guard.close();
    this.#redis.disconnect();
  }
}
