/**
 * What the server stores, judged when it answers a write.
 *
 * Guarantees: each verdict is the one that follows from what was there; what was refused has changed nothing; what was
 * accepted is stored as a whole, stands in the log under its sequence, and is kept for as long as it has to refuse others.
 */
import type { ModelServer } from '../redis/index.js';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { type History, stateOf } from './history.js';
import type { Holders } from './holders.js';
import { AHEAD, type Attributes, attributesOf, FILTERS, type Keys, type Stored, storedOf } from './names.js';
import { setsIn, type VectorWrite, vectorWritesOf } from './sets.js';
import type { Shard } from './sharding.js';

export interface WritesParts {
  readonly violate: Violate;
  readonly shard: Shard;
  readonly server: ModelServer;
  /** The server's, in microseconds. */
  readonly time: () => number;
  readonly tombstones: number;
  readonly history: History;
  readonly holders: Holders;
  /** What patches are to change, by their number. */
  readonly patches: ReadonlyMap<number, Partial<Attributes>>;
}

/** One of the writes of a call. */
interface Operation {
  readonly word: string;
  readonly id: string;
  readonly time: number | undefined;
  readonly token: number;
  readonly issuer: string;
  readonly ttl: number | undefined;
  /** The sequence that must be there, or ''. */
  readonly expected: string;
  readonly body: string;
  /** What is to be under the key of its vectors. */
  readonly vectors: readonly (readonly [key: string, bytes: string])[];
}

/** What a document is, and until when Redis keeps it, in ms. */
interface Known {
  readonly stored: Stored;
  readonly keptUntil: number;
}

const FIELDS = 11;
const NO_ISSUER = '\0'.repeat(8);
/** How long something is kept beyond its expiry, at least, in ms. */
const LEAST_KEPT = 1_000;

export class Writes {
  accepted = 0;
  readonly #parts: WritesParts;
  /** What the server has, by id. */
  readonly #known = new Map<string, Known>();
  #lastSequence = 0;
  /** Where documents stand in the log whose vectors were written since, by id. */
  readonly #moved = new Map<string, number>();
  /** Whether the server has come back, and no verb has run since. */
  #isBack = false;

  constructor(parts: WritesParts) {
    this.#parts = parts;
  }

  look({ verb, keys, args }: Call, reply: readonly unknown[]): void {
    this.#noticeEpoch();
    if (verb === 'purge') this.judgeLog();
    if (verb === 'vector') this.#noteVectors(vectorWritesOf(this.#keys, { keys, args }), reply);
    if ((verb !== 'put' && verb !== 'delete') || reply[0] === 'unknown') return;
    const operations = operationsOf(this.#keys, keys, args);
    const vectors = new Map<string, string>();
    for (const [place, operation] of operations.entries()) {
      const isWritten = this.#judge(operation, String(reply[place + 1]).split(' '));
      if (!isWritten || operation.word === 'patch') continue;
      // An empty one leaves those of before.
      for (const [key, bytes] of operation.vectors)
        if (bytes !== '' || operation.word === 'delete') vectors.set(key, bytes);
    }
    for (const id of new Set(operations.map((each) => each.id))) this.#requireStored(id);
    for (const [key, bytes] of vectors) {
      if ((this.#parts.server.look(key) ?? '') !== bytes)
        this.#parts.violate('N5', `${key} does not have the vectors of its document`);
    }
  }

  /** The server has come back, or has forgotten everything: what it has now is where it goes on. */
  reload(): void {
    const { server } = this.#parts;
    this.#moved.clear();
    for (const [id, place] of (server.look(this.#keys.log) as ReadonlyMap<string, number> | undefined) ?? [])
      this.#moved.set(id, place);
    this.#isBack = true;
    this.#known.clear();
    for (const id of this.#parts.shard.ids) {
      const text = server.look(this.#keys.document(id));
      const keptUntil = server.expiry(this.#keys.document(id)) ?? Number.POSITIVE_INFINITY;
      if (typeof text === 'string') this.#known.set(id, { stored: storedOf(text), keptUntil });
    }
  }

  /** Every document stands in the log, under its sequence. */
  judgeLog(): void {
    for (const id of this.#known.keys()) this.#requireLogged(id);
  }

  /** The log has no document of which nothing is kept. */
  judgeForgotten(): void {
    const { server, violate } = this.#parts;
    for (const id of (server.look(this.#keys.log) as ReadonlyMap<string, number> | undefined)?.keys() ?? [])
      if (server.look(this.#keys.document(id)) === undefined)
        violate('left behind', `the log still has ${id}`);
  }

  /** Documents whose vectors are written stand in the log again. */
  #noteVectors(writes: readonly VectorWrite[], reply: readonly unknown[]): void {
    for (const [at, verdict] of reply.slice(1).entries()) {
      const [word, sequence] = String(verdict).split(' ');
      if (word !== 'written') continue;
      const { id = '' } = writes[at] ?? {};
      if (Number(sequence) <= this.#lastSequence)
        this.#parts.violate('N2', `the sequence ${sequence} of vectors follows ${this.#lastSequence}`);
      this.#lastSequence = Number(sequence);
      this.#moved.set(id, Number(sequence));
    }
  }

  get #keys(): Keys {
    return this.#parts.shard.keys;
  }

  get #now(): number {
    return Math.floor(this.#parts.time() / 1_000);
  }

  #noticeEpoch(): void {
    const { server, history, violate } = this.#parts;
    const meta = server.look(this.#keys.meta) as ReadonlyMap<string, string> | undefined;
    const epoch = meta?.get('epoch') ?? '';
    if (epoch !== history.epoch) {
      if (history.has(epoch)) violate('N2', `${epoch} was an epoch before`);
      this.#lastSequence = 0;
      history.begin(
        epoch,
        [...this.#known].map(([id, { stored }]) => stateOf(id, stored)),
      );
    } else if (this.#isBack) violate('N2', `the server came back, and ${epoch} goes on`);
    this.#isBack = false;
  }

  /** True if it was accepted. */
  #judge(operation: Operation, [word = '', ...rest]: readonly string[]): boolean {
    const { violate, history, tombstones } = this.#parts;
    const { id } = operation;
    const [now, old] = [this.#now, this.#old(id)];
    const wanted = verdictOn(operation, old, now);
    if (word !== wanted)
      violate('N1', `a ${operation.word} of ${id} is answered ${word}, and should be ${wanted}`);
    if (word === 'older' && Number(rest[0]) !== old?.time)
      violate('N1', `a ${operation.word} of ${id} is older than ${rest[0]}, and ${old?.time} is there`);
    if (word !== 'written') return false;
    const [sequence, wasThere] = [Number(rest[0]), rest[1]];
    if (wasThere !== String(Number(isLive(old, now))))
      violate('N1', `whether ${id} was there is told as ${wasThere}`);
    if (sequence <= this.#lastSequence)
      violate('N2', `the sequence ${sequence} follows ${this.#lastSequence}`);
    this.#lastSequence = sequence;
    this.#requirePurpose(operation, old);
    const known = storedAs(operation, old, { now, tombstones, sequence });
    this.accepted += 1;
    this.#known.set(id, known);
    history.add(stateOf(id, known.stored));
    return true;
  }

  /** What is there; what Redis keeps no longer is not. */
  #old(id: string): Stored | undefined {
    const known = this.#known.get(id);
    return known && this.#now <= known.keptUntil ? known.stored : undefined;
  }

  /** A patch changes what it has read, and a deletion by a filter what matches it. */
  #requirePurpose({ word, id, token, issuer, body }: Operation, old: Stored | undefined): void {
    const { violate, holders } = this.#parts;
    const before = old && !old.isDeletion ? attributesOf(old.body) : undefined;
    if (word === 'patch') {
      const { n } = attributesOf(body);
      const merged = { ...before, ...this.#parts.patches.get(n), n };
      if (inOrder(merged) !== inOrder(attributesOf(body)))
        violate('N6', `the patch ${n} of ${id} makes ${body} of ${old?.body}`);
    }
    const filter = word === 'delete' && token > 0 ? holders.filterOf(issuer, token) : undefined;
    if (filter !== undefined && before !== undefined && !FILTERS[filter].matches(before))
      violate('N6', `a deletion of "${filter}" under ${token} deletes ${id}, which is ${old?.body}`);
  }

  /** What is stored is what was there or has been accepted, and nothing in between. */
  #requireStored(id: string): void {
    const { server, violate } = this.#parts;
    const text = server.look(this.#keys.document(id));
    const stored = typeof text === 'string' ? storedOf(text) : undefined;
    const known = this.#known.get(id);
    const wanted = this.#old(id);
    if (JSON.stringify(stored) !== JSON.stringify(wanted))
      violate('N1', `${id} is stored as ${JSON.stringify(stored)}, and should be ${JSON.stringify(wanted)}`);
    const keptUntil = server.expiry(this.#keys.document(id)) ?? Number.POSITIVE_INFINITY;
    if (known && wanted && keptUntil !== known.keptUntil)
      violate('N1', `${id} is kept until ${keptUntil}, and should be until ${known.keptUntil}`);
    this.#requireLogged(id);
  }

  #requireLogged(id: string): void {
    const stored = this.#old(id)?.sequence;
    const sequence = stored && Math.max(stored, this.#moved.get(id) ?? 0);
    const log = this.#parts.server.look(this.#keys.log) as ReadonlyMap<string, number> | undefined;
    if (sequence !== undefined && log?.get(id) !== sequence)
      this.#parts.violate('N3', `${id} was written as ${sequence}, and the log has ${log?.get(id)}`);
  }
}

function operationsOf({ idOf }: Keys, keys: readonly string[], args: readonly string[]): Operation[] {
  const operations: Operation[] = [];
  for (let [at, place] = [2, 3]; at < args.length; ) {
    const [word = '', , time, token, issuer = '', ttl, , expected = '', body = '', , generations = ''] =
      args.slice(at, at + FIELDS);
    const id = idOf(keys[place] ?? '') ?? '';
    const widths = generations === '' ? [] : generations.split(' ').map((each) => 1 + setsIn(each));
    const bytes = args.slice(at + FIELDS, at + FIELDS + widths.length);
    const firsts = widths.map((_, index) => sumOf(widths.slice(0, index)));
    operations.push({
      ...{ word, id, issuer, expected, body, time: numberOf(time), token: Number(token), ttl: numberOf(ttl) },
      vectors: bytes.map((each, index) => [keys[place + 1 + (firsts[index] ?? 0)] ?? '', each]),
    });
    at += FIELDS + widths.length;
    place += 1 + sumOf(widths);
  }
  return operations;
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0);

const numberOf = (text = ''): number | undefined => (text === '' ? undefined : Number(text));

export const isLive = (stored: Stored | undefined, now: number): boolean =>
  stored !== undefined && !stored.isDeletion && (stored.expiry === 0 || stored.expiry > now);

/** What the README promises of a write. */
function verdictOn(operation: Operation, old: Stored | undefined, now: number): string {
  const { expected, time, token, issuer } = operation;
  if (expected !== '' && !(isLive(old, now) && String(old?.sequence) === expected)) return 'changed';
  if (time !== undefined && time > now + AHEAD) return 'ahead';
  if (old && token > 0 && issuer === old.issuer && token < old.token) return 'stale';
  return old && time !== undefined && time < old.time ? 'older' : 'written';
}

/** What is to be stored of a write that is accepted. */
function storedAs(
  { word, time, token, issuer, ttl, body }: Operation,
  old: Stored | undefined,
  {
    now,
    tombstones,
    sequence,
  }: { readonly now: number; readonly tombstones: number; readonly sequence: number },
): Known {
  const isDeletion = word === 'delete';
  let expiry = ttl === undefined ? 0 : now + ttl;
  if (word === 'patch' && ttl === undefined) expiry = old?.expiry ?? 0;
  if (isDeletion) expiry = now + tombstones;
  const longer = Math.min(Math.max(expiry - now, LEAST_KEPT), tombstones);
  const stored = {
    isDeletion,
    time: time ?? Math.max(now, (old?.time ?? -1) + 1),
    token: token > 0 ? token : (old?.token ?? 0),
    sequence,
    expiry,
    issuer: token > 0 ? issuer : (old?.issuer ?? NO_ISSUER),
    body,
  };
  if (isDeletion) return { stored, keptUntil: expiry };
  return { stored, keptUntil: expiry === 0 ? Number.POSITIVE_INFINITY : expiry + longer };
}

const inOrder = (attributes: object): string =>
  JSON.stringify(Object.entries(attributes).sort(([one], [other]) => (one < other ? -1 : 1)));
