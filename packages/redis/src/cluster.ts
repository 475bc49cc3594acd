/**
 * One slot of a Redis Cluster as a server: each time a connection is made, its target is looked up anew.
 *
 * Guarantees: the server is the one that a member of the cluster names as the master of the key's slot, by a MOVED or
 * by answering itself; or, where a replica is wanted, one of those that the member names as its replicas, another one
 * each time. A member that does not answer is passed over; so are seeds that have left, once others are known.
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

/** As CLUSTER SLOTS says it: where a member is; and the master of a range of slots, then its replicas that are in order. */
type SlotMember = readonly [host: string | null, port: number, ...unknown[]];
type SlotRange = readonly [from: number, to: number, master: SlotMember, ...replicas: SlotMember[]];

/** The settings for connections to members: those of the connection itself, except for its place. */
type Access = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

/** The pauses between rounds in which no member knows a master; and a replica, without which programs go on. */
const PAUSE_MS = 100;
const REPLICA_PAUSE_MS = 1_000;

/** A connector, in the terms of ioredis: it makes the socket of each connection. */
export function clusterConnector(
  Client: typeof Redis,
  via: Via,
  key: string,
  access: Access,
): NonNullable<RedisOptions['Connector']> {
  const map = new ClusterMap(Client, via, key, access);
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
          await pause(systemClock, via.replica ? REPLICA_PAUSE_MS : PAUSE_MS, signal);
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

/** Finds the master of a key's slot, or a replica of it. */
class ClusterMap {
  readonly #Client: typeof Redis;
  readonly #seeds: readonly Place[];
  readonly #key: string;
  readonly #access: Access;
  readonly #isReplica: boolean;
  #known: readonly Place[];
  /** How often a replica was wanted: they take turns, and those of different slots begin with different ones. */
  #turn = 0;

  constructor(Client: typeof Redis, { seeds, replica }: Via, key: string, access: Access) {
    this.#Client = Client;
    this.#seeds = seeds;
    this.#known = seeds;
    this.#key = key;
    this.#access = access;
    this.#isReplica = replica;
  }

  /** The place that the first member to answer names. Rejects if none answers. */
  async find(): Promise<Place> {
    let failure: unknown = new Error('the cluster has no members');
    for (const place of this.#known) {
      const member = this.#open(place);
      try {
        await member.connect();
        if (this.#isReplica) {
          const replica = await this.#replica(member, place);
          this.#known = await members(member);
          return replica;
        }
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

  /** Rejects if the member knows of no replica that is in order. */
  async #replica(member: Redis, place: Place): Promise<Place> {
    const slot = Number(await member.call('CLUSTER', 'KEYSLOT', this.#key));
    const ranges = (await member.call('CLUSTER', 'SLOTS')) as readonly SlotRange[];
    const [, , , ...replicas] = ranges.find(([from, to]) => from <= slot && slot <= to) ?? [];
    if (replicas.length === 0) throw new Error(`the cluster names no replica of slot ${slot}`);
    const [host, port] = replicas[(slot + this.#turn) % replicas.length] as SlotMember;
    this.#turn += 1;
    return { host: host || place.host, port };
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
