/**
 * One slot of a Redis Cluster as a server: each time a connection is made, its target is looked up anew.
 *
 * Guarantees: the server is the one that a member of the cluster names as the master of the key's slot, by a MOVED or
 * by answering itself. A member that does not answer is passed over; so are seeds that have left, once others are
 * known.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { pause, systemClock } from '@holdfast/kernel';
import type { RedisOptions as AllOptions, Redis } from 'ioredis';
import type { Via } from './address.js';

/** Replies as the server gives them. */
type RedisOptions = Omit<AllOptions, 'replyMapping'>;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** The settings for connections to members: those of the connection itself, except for its place. */
type Access = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

/** The pause between rounds in which no member knows a master. */
const PAUSE_MS = 100;

/** A connector, in the terms of ioredis: it makes the socket of each connection. */
export function clusterConnector(
  Client: typeof Redis,
  { seeds }: Via,
  key: string,
  access: Access,
): NonNullable<RedisOptions['Connector']> {
  const map = new ClusterMap(Client, seeds, key, access);
  return class ClusterConnector {
    #ending = new AbortController();
    #stream: Socket | undefined;
    firstError: Error | undefined;

    check(): boolean {
      return true;
    }

    /** Does not give up before `disconnect`: the client would not call again after a rejection. */
    async connect(emit: (event: 'error', error: unknown) => void): Promise<Socket> {
      this.#ending = new AbortController();
      const { signal } = this.#ending;
      while (!signal.aborted) {
        try {
          const place = await map.find();
          if (signal.aborted) break;
          this.#stream = access.tls ? connectSecure({ ...access.tls, ...place }) : connectPlain(place);
          this.#stream.once('error', (error) => {
            this.firstError = error;
          });
          return this.#stream;
        } catch (error) {
          emit('error', error);
          await pause(systemClock, PAUSE_MS, signal);
        }
      }
      throw new Error('Connection is closed.');
    }

    disconnect(): void {
      this.#ending.abort();
      this.#stream?.end();
    }
  } as unknown as NonNullable<RedisOptions['Connector']>;
}

/** Finds the master of a key's slot. */
class ClusterMap {
  readonly #Client: typeof Redis;
  readonly #seeds: readonly Place[];
  readonly #key: string;
  readonly #access: Access;
  #known: readonly Place[];

  constructor(Client: typeof Redis, seeds: readonly Place[], key: string, access: Access) {
    this.#Client = Client;
    this.#seeds = seeds;
    this.#known = seeds;
    this.#key = key;
    this.#access = access;
  }

  /** The place that the first member to answer names. Rejects if none answers. */
  async find(): Promise<Place> {
    let failure: unknown = new Error('the cluster has no members');
    for (const place of this.#known) {
      const member = this.#open(place);
      try {
        await member.connect();
        const master = await this.#ask(member, place);
        this.#known = lastOf(await members(member), master);
        return master;
      } catch (error) {
        failure = error;
      } finally {
        member.disconnect();
      }
    }
    this.#known = this.#seeds;
    throw failure;
  }

  #open(place: Place): Redis {
    const { username, password, tls } = this.#access;
    const member = new this.#Client({
      ...place,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(tls && { tls }),
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false, // it waits without end, also for one that hangs
      maxRetriesPerRequest: 0,
      connectTimeout: 1_000,
      commandTimeout: 1_000,
      disconnectTimeout: 10,
      retryStrategy: () => null,
    });
    member.on('error', () => {}); // the rejection says the same
    return member;
  }

  async #ask(member: Redis, place: Place): Promise<Place> {
    try {
      await member.exists(this.#key);
      return place;
    } catch (error) {
      const moved = /^MOVED \d+ (.*):(\d+)$/.exec(error instanceof Error ? error.message : '');
      if (!moved) throw error;
      return { host: moved[1] || place.host, port: Number(moved[2]) };
    }
  }
}

/** All members whose place is known. */
async function members(member: Redis): Promise<readonly Place[]> {
  const text = String(await member.call('CLUSTER', 'NODES'));
  const places = text.matchAll(/^\S+ ([^\s@]+):(\d+)@/gm);
  return [...places].map(([, host = '', port]) => ({ host, port: Number(port) }));
}

/** The present master comes last: if it dies, the others know better. */
function lastOf(places: readonly Place[], master: Place): readonly Place[] {
  const isMaster = ({ host, port }: Place): boolean => host === master.host && port === master.port;
  return [...places.filter((place) => !isMaster(place)), master];
}
