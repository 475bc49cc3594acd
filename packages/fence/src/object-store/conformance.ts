/**
 * Tries whether a store really enforces the conditions that the guard stands on; there are stores that accept the
 * headers and ignore them.
 *
 * Guarantees: a store that ignores a condition fails. A pass is evidence, not proof: a store that breaks a condition
 * only at times may pass. The probe uses objects of its own and removes them, even when a check fails. If the process
 * dies or the store falls silent meanwhile, they stay below `.holdfast-conformance/`.
 */
import {
  duration,
  MisuseError,
  type Readers,
  readOptions,
  systemClock,
  systemRandom,
  UnavailableError,
  withDefault,
} from '@holdfast/kernel';
import { reasonOf } from '@holdfast/redis';
import { withSignal } from './deadline.js';
import type { Mark, NewObject, ObjectStore, PutAnswer, StoredObject } from './store.js';

/** The result of one check of the probe. */
export interface ConformanceCheck {
  /** The behaviour that the store must show. */
  readonly name: string;
  readonly passed: boolean;
  /** The behaviour that it showed instead; "" when the check passed. */
  readonly detail: string;
}

export interface ConformanceReport {
  readonly store: string;
  /** Whether every check passed. */
  readonly enforced: boolean;
  readonly checks: readonly ConformanceCheck[];
}

export interface ConformanceOptions {
  /** How long the probe may take, in ms. Default 30000. */
  readonly timeout?: number;
}

const CONFORMANCE = {
  timeout: withDefault(duration({ min: 1 }), 30_000),
} satisfies Readers<ConformanceOptions>;

const ROUNDS = 3;
const WRITERS = 8;

/** Stores that have passed in this process: the guard does not ask them again. */
const conforming = new WeakSet<ObjectStore>();

/** Whether the store has passed the probe in this process. */
export const hasPassed = (store: ObjectStore): boolean => conforming.has(store);

/**
 * Probes a store: about sixty small requests. Throws UnavailableError if the store does not answer, MisuseError if
 * the probe's objects cannot be removed.
 */
export async function conformance(
  store: ObjectStore,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const { timeout } = readOptions('conformance', options, CONFORMANCE);
  try {
    const message = `did not finish the probe within ${timeout} ms`;
    const work = (signal: AbortSignal) => new Probe(store, signal).run();
    const checks = await withSignal(systemClock, timeout, work, message);
    const enforced = checks.every(({ passed }) => passed);
    if (enforced) conforming.add(store);
    return { store: store.name, enforced, checks };
  } catch (cause) {
    if (cause instanceof MisuseError) throw cause;
    const reasons = [{ node: store.name, reason: reasonOf(cause) }];
    throw new UnavailableError('The store could not be probed; try again.', reasons, { cause });
  }
}

const text = (object: StoredObject | undefined): string | undefined => object && String(object.body);

/** Fails the check with these words. */
class Finding extends Error {}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Finding(otherwise);
}

class Probe {
  readonly #store: ObjectStore;
  readonly #signal: AbortSignal;
  readonly #keys: string[] = [];
  readonly #folder = `.holdfast-conformance/${systemRandom.id()}/`;

  constructor(store: ObjectStore, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  async run(): Promise<readonly ConformanceCheck[]> {
    const checks: readonly [string, (key: string) => Promise<void>][] = [
      ['creates an object only if there is none', (key) => this.#creates(key)],
      ['refuses a put with another ETag', (key) => this.#refusesOther(key)],
      ['accepts a put with the right ETag', (key) => this.#acceptsRight(key)],
      ['refuses a put with an ETag where there is no object', (key) => this.#refusesAbsent(key)],
      ['gives the content, the mark and its headers back', (key) => this.#roundTrip(key)],
      ['changes the ETag with the mark', (key) => this.#marksCount(key)],
      ['lets one of several puts on one ETag win', (key) => this.#oneWins(key)],
      ['shows a put to the next read', (key) => this.#readsItsWrites(key)],
    ];
    try {
      const outcomes = await Promise.allSettled(
        checks.map(async ([name, check], index) => {
          const key = `${this.#folder}${index}`;
          this.#keys.push(key);
          const detail = await check(key).then(() => '', asDetail);
          return { name, passed: detail === '', detail };
        }),
      );
      return outcomes.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason;
        return outcome.value;
      });
    } finally {
      await Promise.all(this.#keys.map((key) => this.#store.remove(key, this.#signal)));
    }
  }

  async #creates(key: string): Promise<void> {
    await this.#putFirst(key, 'first');
    const { word } = await this.#put(key, 'second', undefined);
    demand(word !== 'put', 'it replaced an object on If-None-Match: *');
    await this.#holds(key, 'first');
  }

  async #refusesOther(key: string): Promise<void> {
    const first = await this.#putFirst(key, 'first');
    const second = await this.#put(key, 'second', first);
    demand(second.word === 'put', 'it refused the right ETag');
    for (const etag of [first, '"00000000000000000000000000000000"']) {
      const { word } = await this.#put(key, 'third', etag);
      demand(word !== 'put', 'it replaced an object on an If-Match that did not hold');
      await this.#holds(key, 'second');
    }
  }

  async #acceptsRight(key: string): Promise<void> {
    await this.#putFirst(key, 'first');
    const read = await this.#get(key);
    const { word } = await this.#put(key, 'second', read?.etag ?? '');
    demand(word === 'put', 'it refused an If-Match with the ETag that it gave to the reader');
    await this.#holds(key, 'second');
  }

  async #refusesAbsent(key: string): Promise<void> {
    const { word } = await this.#put(key, 'first', '"00000000000000000000000000000000"');
    demand(word !== 'put' && (await this.#get(key)) === undefined, 'it made an object on If-Match');
  }

  async #roundTrip(key: string): Promise<void> {
    const mark = {
      token: Number.MAX_SAFE_INTEGER,
      issuer: 'queue:5%, ö',
      write: 'abcdefghijk0',
      empty: true,
    };
    const object = { body: Buffer.of(0, 10, 13, 255), mark, attributes: { 'content-type': 'text/x-probe' } };
    await this.#store.put(key, object, undefined, this.#signal);
    const read = await this.#get(key);
    demand(read !== undefined, 'nothing came back');
    demand(read.body.equals(object.body), 'the content came back changed');
    const same = Object.entries(mark).every(([name, value]) => read.mark?.[name as keyof Mark] === value);
    demand(same, 'metadata came back changed or not at all');
    const type = read.attributes['content-type'];
    demand(type === 'text/x-probe', `the content type came back as ${type}`);
  }

  async #marksCount(key: string): Promise<void> {
    const first = await this.#putFirst(key, 'same', 1);
    const second = await this.#put(key, 'same', first, 2);
    demand(second.word === 'put' && second.etag !== first, 'the ETag stayed the same');
  }

  async #oneWins(key: string): Promise<void> {
    let etag = await this.#putFirst(key, 'first');
    for (let round = 0; round < ROUNDS; round += 1) {
      const bodies = Array.from({ length: WRITERS }, (_, writer) => `${round} ${writer}`);
      const answers = await Promise.all(bodies.map((body) => this.#put(key, body, etag)));
      const winners = bodies.filter((_, index) => answers[index]?.word === 'put');
      demand(winners.length <= 1, `${winners.length} of ${WRITERS} puts on one ETag were accepted`);
      const read = await this.#get(key);
      demand(
        winners.every((body) => body === text(read)),
        'the put that was accepted is not the one that is read',
      );
      demand(read !== undefined && read.etag !== etag, `none of ${WRITERS} puts on one ETag was accepted`);
      etag = read.etag;
    }
  }

  async #readsItsWrites(key: string): Promise<void> {
    let etag = await this.#putFirst(key, '0');
    for (let step = 1; step <= 5; step += 1) {
      const answer = await this.#put(key, String(step), etag);
      demand(answer.word === 'put', 'it refused the ETag of the put before');
      await this.#holds(key, String(step));
      etag = answer.etag;
    }
  }

  async #putFirst(key: string, body: string, token = 1): Promise<string> {
    const answer = await this.#put(key, body, undefined, token);
    demand(answer.word === 'put', 'it refused to make an object that did not exist');
    return answer.etag;
  }

  async #holds(key: string, body: string): Promise<void> {
    const read = await this.#get(key);
    demand(text(read) === body, `it holds ${text(read) ?? 'nothing'} and not ${body}`);
  }

  #put(
    ...[key, body, expected, token = 1]: [string, string, string | undefined, number?]
  ): Promise<PutAnswer> {
    const mark = { token, write: 'probe', empty: false };
    const object: NewObject = { body: Buffer.from(body), mark, attributes: {} };
    return this.#store.put(key, object, expected, this.#signal);
  }

  #get(key: string): Promise<StoredObject | undefined> {
    return this.#store.get(key, this.#signal);
  }
}

function asDetail(error: unknown): string {
  if (error instanceof Finding || error instanceof MisuseError) return error.message;
  throw error;
}
