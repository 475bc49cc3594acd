/**
 * One partition of a store in Redis: calls of its scripts over a connection that all partitions on the server share.
 *
 * Guarantees: those of a Caller. Nothing connects before the first call. A key layout that is newer than what this version
 * knows is a MisuseError, and nothing of it is touched.
 */
import type { ConnectionOptions } from 'node:tls';
import { type Clock, MisuseError, type Random } from '@holdfast/kernel';
import { type AnyCallVerb, Caller, isForbidden, type NodeSource, type Script } from '@holdfast/redis';
import { keysOf, type PartitionKeys } from '../keys.js';
import { exportVerbs } from './export-verbs.js';
import { scripts } from './scripts.js';
import { verbsOf } from './verbs.js';

/** Of the keys: lua/record.lua and lua/catalog.lua have the same number. */
export const LAYOUT = 1;

/** Where a store is. */
export interface StorePlace {
  readonly redis: NodeSource;
  readonly tls: ConnectionOptions | undefined;
  readonly name: string;
  readonly prefix: string;
  /** How long Redis may take to answer, in ms. */
  readonly callTimeout: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** The calls to the server that has `key`. */
export function callerFor(
  { name, redis, tls, callTimeout, clock }: StorePlace,
  key: string,
  /** None for a server that takes no writes. */
  loaded: readonly Script[] = scripts,
): Caller {
  return new Caller({
    ...{ redis, tls, clock, key, scripts: loaded, timeout: callTimeout },
    refusal: (reason) => refusalOf(name, reason),
    words: {
      subject: `The feature store "${name}"`,
      unknown: 'Reads and landings may be repeated',
      closed: 'create another with createFeatures()',
    },
  });
}

/** What no repetition helps. */
function refusalOf(store: string, reason: string): MisuseError | undefined {
  const [, layout] = /HOLDFASTLAYOUT (\d+)/.exec(reason) ?? [];
  if (layout === undefined) {
    if (isForbidden(reason) || !/^(?:-?WRONGTYPE|ERR .*user_)/.test(reason)) return undefined;
    return new MisuseError(
      `A key of the feature store "${store}" is not what the store keeps there; nothing was done. See what else writes keys that begin with "{feat:", or give the store a prefix.\n  ${reason}`,
    );
  }
  return unknownLayout(store, Number(layout));
}

export function unknownLayout(store: string, layout: number): MisuseError {
  return new MisuseError(
    `The feature store "${store}" has key layout ${layout}, which this version does not know; nothing was done. Update @holdfast/features here.`,
  );
}

export class Partition {
  readonly number: number;
  readonly keys: PartitionKeys;
  readonly verbs: ReturnType<typeof verbsOf> & ReturnType<typeof exportVerbs>;
  readonly #caller: Caller;

  constructor(place: StorePlace, number: number) {
    this.number = number;
    this.keys = keysOf({ store: place.name, prefix: place.prefix, partition: number });
    this.verbs = { ...verbsOf(this.keys), ...exportVerbs(this.keys) };
    this.#caller = callerFor(place, this.keys.of('record'));
  }

  /** Throws UnavailableError; MisuseError once it is closed. */
  call<Request, Result>(verb: AnyCallVerb<Request, Result>, request: Request): Promise<Result> {
    return this.#caller.call(verb, request);
  }

  close(): void {
    this.#caller.close();
  }
}
