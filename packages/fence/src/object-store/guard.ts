/**
 * The guard for objects: the mark lies on the object itself, and every put has the object's ETag as its condition.
 *
 * Guarantees: those of the contract (guard.ts). `seal` puts the object again under the new token before its holder
 * reads, so the ETag that an earlier holder knows no longer holds. A put whose answer is doubtful is judged by reading:
 * the object names the write that made its content. A mark that is lost while a holder relies on it is reported.
 * Not guaranteed: that a write whose answer was lost did not happen, and anything about puts that go past the guard.
 */
import {
  BusyError,
  backoff,
  type ClaimOptions,
  type Clock,
  display,
  duration,
  flag,
  MisuseError,
  orSystemClock,
  orSystemRandom,
  pause,
  type Random,
  type Readers,
  readOptions,
  requireClaim,
  requireName,
  type Settings,
  type TokenClaim,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { reasonOf } from '@holdfast/redis';
import { StaleTokenError } from '../errors.js';
import { type Guard, type Sealed, tokenWindow } from '../guard.js';
import { changedMark, handedOver, otherIssuer, staleToken } from '../refused.js';
import { conformance, hasPassed } from './conformance.js';
import { withSignal } from './deadline.js';
import { hasSameMark, type Judgement, judge, markOf } from './judge.js';
import type { Mark, NewObject, ObjectStore, StoredObject } from './store.js';
import { encodeWrite, type ObjectWrite } from './write.js';

export interface ObjectGuardOptions {
  /** Where the objects are: `s3Store(…)` or `directoryStore(…)`. */
  readonly store: ObjectStore;
  /** How far a token may be from a clock, in ms: no less than the `window` of the locks. Default 5000. */
  readonly window?: number;
  /** How long the store may take for a call of the guard, in ms. Default 10000. The probe has its own 30000. */
  readonly callTimeout?: number;
  /** Declares that `conformance` has passed for this store elsewhere, so that it is not probed. Default false. */
  readonly conforms?: boolean;
  /** The clock; tests and simulations pass their own. Default: the system's. */
  readonly clock?: Clock;
  /** The source of randomness; tests and simulations pass their own. Default: the system's. */
  readonly random?: Random;
}

/** An object that was sealed under a token: the way to read it and to write it. */
export interface SealedObject extends Sealed<ObjectWrite, void> {
  /**
   * The content, or undefined if the object is absent. Throws StaleTokenError if a later holder has sealed it,
   * MisuseError if its mark was lost, UnavailableError.
   */
  read(): Promise<Buffer | undefined>;
}

const GUARD = {
  store: storeOfObjects,
  window: tokenWindow,
  callTimeout: withDefault(duration({ min: 1 }), 10_000),
  conforms: withDefault(flag, false),
  clock: orSystemClock,
  random: orSystemRandom,
} satisfies Readers<ObjectGuardOptions>;

function storeOfObjects(option: string, value: unknown): ObjectStore {
  const store = value as Partial<ObjectStore> | null | undefined;
  if (typeof store?.put === 'function') return store as ObjectStore;
  throw new MisuseError(`${option} is s3Store(…) or directoryStore(…); got ${display(value)}.`);
}

/** The pause between two tries of a put that lost to another, in ms. */
const BACKOFF = { base: 10, limit: 500 };

/** Creates a guard for objects. Throws MisuseError for options that cannot work; the first call probes the store. */
export function createObjectGuard(options: ObjectGuardOptions): ObjectGuard {
  return new ObjectGuard(readOptions('createObjectGuard', options, GUARD));
}

/** Made by `createObjectGuard`. */
export class ObjectGuard implements Guard<ObjectWrite, void> {
  readonly #store: ObjectStore;
  readonly #window: number;
  readonly #callTimeout: number;
  readonly #conforms: boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  #probing: Promise<void> | undefined;

  /** @internal */
  constructor({ store, window, callTimeout, conforms, clock, random }: Settings<typeof GUARD>) {
    this.#store = store;
    this.#window = window;
    this.#callTimeout = callTimeout;
    this.#conforms = conforms;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Raises the mark to the holder's token: puts the object again, or creates a placeholder that reads as absent. Call
   * it before you read the content that you are going to change.
   */
  async seal(holder: TokenClaim, options?: ClaimOptions): Promise<SealedObject> {
    const claim = this.#requireClaim(holder, options);
    return this.#sealed(claim, await this.#within((signal) => this.#raise(claim, signal)));
  }

  async transfer(resource: string, holder: TokenClaim): Promise<SealedObject> {
    const claim = this.#requireClaim(holder, { resource: requireName('resource', resource) });
    const race = { lost: 0 };
    const replacing = this.#within((signal) => this.#replace(claim, race, signal));
    const etag = await replacing.catch((error: unknown) => {
      if (!(error instanceof UnavailableError) || race.lost === 0) throw error;
      throw new BusyError(
        `"${resource}" was written to ${race.lost} times in the ${this.#callTimeout} ms in which it was handed over. Let its holder stop, and call transfer again.`,
        { resource },
      );
    });
    return this.#sealed(claim, etag);
  }

  /**
   * Puts the object under the claim in place of the mark that it was seen to have. A holder of that mark that goes on
   * writing changes the ETag but not the mark: the put is then tried again, and at once, because a pause would only
   * give the holder more time to get in between.
   */
  async #replace(claim: TokenClaim, race: { lost: number }, signal: AbortSignal): Promise<string> {
    let seen: StoredObject | undefined;
    for (let attempt = 0; ; attempt += 1) {
      const current = await this.#store.get(claim.resource, signal);
      const judgement = judge(current, { ...claim, floor: 0 });
      if (seen !== undefined && judgement !== 'own' && !hasSameMark(current, seen)) {
        throw changedMark(claim, current?.mark && { issuer: undefined, ...current.mark });
      }
      if (judgement !== 'foreign' || current === undefined)
        return handedOver(claim, this.#raise(claim, signal));
      const { etag } = current;
      const answer = await this.#store.put(claim.resource, this.#raised(current, claim), etag, signal);
      if (answer.word === 'put') return answer.etag;
      seen = current;
      race.lost += 1;
      if (answer.word === 'unclear')
        await pause(this.#clock, backoff(this.#random, attempt, BACKOFF), signal);
    }
  }

  #sealed(claim: TokenClaim, sealedAs: string): SealedObject {
    const { resource, token, issuer } = claim;
    let etag = sealedAs;
    return {
      ...claim,
      read: () =>
        this.#within(async (signal) => {
          const current = await this.#store.get(resource, signal);
          etag = this.#requireOwn(current, claim);
          return contentOf(current);
        }),
      write: async (write) => {
        const { body, attributes } = encodeWrite(write);
        const mark = { token, issuer, write: this.#random.id(), empty: body === undefined };
        const object = { body: body ?? Buffer.alloc(0), attributes, mark };
        etag = await this.#within((signal) => this.#write(claim, object, etag, signal));
      },
    };
  }

  /** A store of objects has no clock that could be asked in the same step, so this process's clock is used. */
  #requireClaim(holder: TokenClaim, options?: ClaimOptions): TokenClaim {
    const claim = requireClaim(holder, options);
    requireWellFormed('resource', claim.resource);
    requireWellFormed('issuer', claim.issuer);
    const highest = Math.floor(this.#clock.wall()) + 2_000 * this.#window;
    if (claim.token > highest) throw staleToken('object-store', claim, { reason: 'ahead', seen: highest });
    return claim;
  }

  /** Reads the content of an object as it is, under no token; undefined if it is absent. Throws UnavailableError. */
  read(resource: string): Promise<Buffer | undefined> {
    const key = requireWellFormed('resource', requireName('resource', resource));
    return this.#within(async (signal) => contentOf(await this.#store.get(key, signal)));
  }

  /** Raises the mark. Resolves to the ETag under the token. */
  async #raise(claim: TokenClaim, signal: AbortSignal): Promise<string> {
    const { resource } = claim;
    let floor = 0;
    for (let attempt = 0; ; attempt += 1) {
      const current = await this.#store.get(resource, signal);
      const judgement = judge(current, { ...claim, floor });
      if (judgement === 'own' && current) return current.etag;
      if (judgement !== 'below') throw this.#refusal(judgement, claim, current, floor);
      floor = markOf(current);
      const answer = await this.#store.put(resource, this.#raised(current, claim), current?.etag, signal);
      if (answer.word === 'put') return answer.etag;
      await pause(this.#clock, backoff(this.#random, attempt, BACKOFF), signal);
    }
  }

  /** The same object under another token; a placeholder if there is no object. */
  #raised(current: StoredObject | undefined, { token, issuer }: TokenClaim): NewObject {
    const { write, empty }: Pick<Mark, 'write' | 'empty'> = current?.mark ?? {
      write: this.#random.id(),
      empty: current === undefined,
    };
    const { body = Buffer.alloc(0), attributes = {} } = current ?? {};
    return { body, attributes, mark: { token, issuer, write, empty } };
  }

  /**
   * Resolves to an ETag that the object had under our token, never to one of a later holder, which would pass for ours.
   */
  async #write(
    ...[claim, object, known, signal]: [TokenClaim, NewObject, string, AbortSignal]
  ): Promise<string> {
    const { write } = object.mark;
    let etag = known;
    let doubt = false;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#store.put(claim.resource, object, etag, signal);
      if (answer.word === 'put') return answer.etag;
      doubt ||= answer.word === 'unclear';
      const current = await this.#store.get(claim.resource, signal);
      if (current?.mark?.write === write) {
        return judge(current, { ...claim, floor: claim.token }) === 'own' ? current.etag : etag;
      }
      etag = this.#requireOwn(current, claim, doubt);
      await pause(this.#clock, backoff(this.#random, attempt, BACKOFF), signal);
    }
  }

  /** The ETag of an object that was sealed under the token. Throws if the token is no longer good for it. */
  #requireOwn(current: StoredObject | undefined, claim: TokenClaim, doubt = false): string {
    const judgement = judge(current, { ...claim, floor: claim.token });
    if (judgement === 'own' && current) return current.etag;
    throw this.#refusal(judgement, claim, current, claim.token, doubt);
  }

  #refusal(
    ...[judgement, claim, current, floor, doubt = false]: [
      Judgement,
      TokenClaim,
      StoredObject | undefined,
      number,
      boolean?,
    ]
  ): Error {
    const { resource } = claim;
    const seen = markOf(current);
    if (judgement === 'foreign') {
      return otherIssuer('object-store', claim, { token: seen, issuer: current?.mark?.issuer });
    }
    if (judgement !== 'stale') return this.#lost(resource, floor);
    const more = doubt ? ' Before that, an earlier attempt of this write may have been carried out.' : '';
    return staleToken('object-store', claim, { reason: 'lower', seen, more });
  }

  #lost(resource: string, floor: number): MisuseError {
    return new MisuseError(
      `The mark of "${resource}" in ${this.#store.name} was ${floor} and is lost: the object was deleted or replaced ` +
        'past the guard. Stop the work; let every writer use the guard, and take a new lease.',
    );
  }

  async #within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await this.#ready();
    try {
      const message = `did not answer within ${this.#callTimeout} ms`;
      return await withSignal(this.#clock, this.#callTimeout, work, message);
    } catch (cause) {
      if (cause instanceof MisuseError || cause instanceof StaleTokenError || cause instanceof BusyError)
        throw cause;
      const unknown = 'The guard got no answer from its store; whether a write was carried out is not known';
      const reasons = [{ node: this.#store.name, reason: reasonOf(cause) }];
      throw new UnavailableError(`${unknown}. The same call may be repeated under the same token.`, reasons, {
        cause,
      });
    }
  }

  /** Refuses a store that does not enforce conditions; asks it once, and again if it did not answer. */
  async #ready(): Promise<void> {
    if (this.#conforms || hasPassed(this.#store)) return;
    this.#probing ??= requireConforming(this.#store);
    try {
      await this.#probing;
    } finally {
      this.#probing = undefined;
    }
  }
}

async function requireConforming(store: ObjectStore): Promise<void> {
  const { checks } = await conformance(store);
  const failed = checks.filter(({ passed }) => !passed).map(({ name, detail }) => `\n  ${name}: ${detail}`);
  if (failed.length === 0) return;
  throw new MisuseError(
    `${store.name} does not keep the conditions that the guard relies on; use a store that does. It failed these checks:${failed.join('')}`,
  );
}

function requireWellFormed(what: string, name: string): string {
  if (!/\p{Cs}/u.test(name)) return name;
  throw new MisuseError(`${what} is a well-formed string; ${display(name)} has half a character.`);
}

const contentOf = (current: StoredObject | undefined): Buffer | undefined =>
  current?.mark?.empty ? undefined : current?.body;
