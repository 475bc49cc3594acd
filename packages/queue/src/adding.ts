/**
 * Adding tasks to a queue, each in one call: tasks that fit into an entry of a stream, and tasks that need a record.
 *
 * Guarantees: an add that resolved is in Redis, and on as many replicas as the queue asks for.
 */
import { checkData, type TokenClaim } from '@holdfast/kernel';
import { QueueFullError } from './errors.js';
import { guarded, staleHolder } from './guarded.js';
import { keyOfTenant } from './keys.js';
import type { QueueParts } from './parts.js';
import { repeatable, withinTime } from './retrying.js';
import {
  type AddSettings,
  keptOptions,
  readAddOptions,
  refuseHolder,
  type TaskToAdd,
} from './task-options.js';
import { added, full, traceOfAdd } from './telemetry.js';
import * as verbs from './verbs.js';

/** The outcome of an add. */
export interface Added {
  readonly id: string;
  /** False when the task was there already, by its id or its deduplication key. */
  readonly added: boolean;
}

/** Encodes a task's data as JSON, without the queue's codec, if the task can be added. Throws MisuseError. */
export async function encodeTask(parts: QueueParts, data: unknown, options: unknown): Promise<string> {
  const { payloads, schema } = parts;
  refuseHolder(
    readAddOptions(options),
    'the task is added later, by a relay; check the token in the same transaction, with the guard for PostgreSQL',
  );
  const text = payloads.json(data, DATA);
  if (schema) await checkData(schema, data, TASK);
  return text;
}

const DATA = 'The data of a task';

/** How errors name the data and their owner. */
const TASK = { of: 'the task', owner: 'queue' };

/** How many tasks one call adds under a token: so many together, or none. */
const MOST_UNDER = 100;

/** Stands in the place of an id, before the limit. */
const FULL = 'full:';

/** The error of an add that has found no room for its task. */
export function queueFull({ name }: QueueParts, limit: string): QueueFullError {
  const error = new QueueFullError(name, Number(limit));
  full(name, error);
  return error;
}

export const noteAdded = ({ name }: QueueParts): void => added(name);

export class Adder {
  readonly #parts: QueueParts;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** `schema`: that of the data. Throws MisuseError, QueueFullError, StaleTokenError, UnavailableError. */
  async add(data: unknown, given: unknown, schema = this.#parts.schema): Promise<Added> {
    const { settings, adding, payloads } = this.#parts;
    const options = readAddOptions(given);
    const json = payloads.json(data, DATA);
    if (schema) await checkData(schema, data, TASK);
    const text = payloads.isCoded ? await payloads.sealed(json, DATA) : json;
    const { retry } = settings;
    if (retry === undefined) return this.#told(await this.#add(text, options));
    const safe = repeatable(options, retry, adding);
    const put = await withinTime(() => this.#add(text, safe), safe, retry, adding);
    // An id that nobody else has was added by one of the calls.
    return this.#told(options.id === undefined && put.id === safe.id ? { ...put, added: true } : put);
  }

  async #told(result: Added): Promise<Added> {
    const { adding } = this.#parts;
    if (adding.waitsForReplicas) await adding.replicated();
    if (result.added) noteAdded(this.#parts);
    return result;
  }

  /**
   * Adds tasks under the token of a holder, a hundred in each call. Throws StaleTokenError, and then adds none of that call
   * and of those after it; MisuseError, QueueFullError, UnavailableError.
   */
  async addUnder(holder: TokenClaim, tasks: readonly TaskToAdd<unknown>[]): Promise<Added[]> {
    const { settings, adding, schema, payloads } = this.#parts;
    const { retry } = settings;
    const given = await Promise.all(
      tasks.map(async ({ data, options = {} }) => {
        const read = readAddOptions(options);
        refuseHolder(read, 'the holder of addMany is that of all its tasks');
        const json = payloads.json(data, DATA);
        if (schema) await checkData(schema, data, TASK);
        const text = await payloads.sealed(json, DATA);
        return { text, options: retry ? repeatable(read, retry, adding) : read, own: read };
      }),
    );
    const all: Added[] = [];
    for (let from = 0; from < given.length; from += MOST_UNDER) {
      const some = given.slice(from, from + MOST_UNDER);
      const requests = some.map(({ text, options }) => this.#request(text, options));
      const add = () => this.#putUnder(holder, requests);
      const first = some.find(({ own }) => own.deduplicate !== undefined) ?? some[0];
      const put = retry && first ? await withinTime(add, first.options, retry, adding) : await add();
      const results = put.map(({ word, id }, place): Added => {
        if (word === 'full') throw queueFull(this.#parts, id);
        const isNew = some[place]?.own.id === undefined && id === requests[place]?.id;
        return { id, added: word === 'added' || isNew };
      });
      all.push(...results);
    }
    if (adding.waitsForReplicas) await adding.replicated();
    for (const { added } of all) if (added) noteAdded(this.#parts);
    return all;
  }

  async #putUnder(
    holder: TokenClaim,
    tasks: readonly verbs.PutRequest[],
  ): Promise<readonly verbs.PutResult[]> {
    const { adding, marks } = this.#parts;
    const reply = await adding.call(guarded, { claim: marks.partsOf(holder), tasks });
    if ('refused' in reply) throw staleHolder(holder, reply.refused);
    return reply.put;
  }

  async #add(text: string, options: AddSettings): Promise<Added> {
    const { settings, adding, groups } = this.#parts;
    const isWhole = isPlain(options) && groups.size === 0;
    if (isWhole) {
      const kept = keptOptions(settings.kept, options, { isWhole, trace: traceOfAdd() });
      const id = await adding.call(verbs.add, { priority: options.priority, data: text, options: kept });
      if (id.startsWith(FULL)) throw queueFull(this.#parts, id.slice(FULL.length));
      return { id, added: true };
    }
    const put = await this.#put(this.#request(text, options), options.holder);
    if (put.word === 'full') throw queueFull(this.#parts, put.id);
    return { id: put.id, added: put.word === 'added' };
  }

  async #put(request: verbs.PutRequest, holder: TokenClaim | undefined): Promise<verbs.PutResult> {
    if (holder === undefined) return this.#parts.adding.call(verbs.put, request);
    const [put] = await this.#putUnder(holder, [request]);
    return put as verbs.PutResult;
  }

  #request(data: string, options: AddSettings): verbs.PutRequest {
    const { settings, adding } = this.#parts;
    const { id = adding.random.id(), priority, tenant, delay, deduplicate, expires } = options;
    const kept = keptOptions(settings.kept, options, { isWhole: false, trace: traceOfAdd() });
    const key = tenant === undefined ? (options.key ?? '') : keyOfTenant(tenant);
    const body = kept === '' ? `{"d":${data}}` : `{"d":${data},"o":${kept}}`;
    const same = { key: deduplicate?.key ?? '', within: deduplicate?.within ?? 0, keep: keepOf(deduplicate) };
    return { id, priority, key, delay, body, deduplicate: same, expires };
  }
}

/** Which of several tasks that are the same is handled, or until when the first is. */
function keepOf(same: AddSettings['deduplicate']): verbs.PutRequest['deduplicate']['keep'] {
  return same?.until ?? same?.keep ?? 'first';
}

/** Whether the whole task fits into an entry of a stream. */
function isPlain({ id, delay, key, tenant, deduplicate, holder }: AddSettings): boolean {
  const isInLine = key !== undefined || tenant !== undefined;
  return holder === undefined && id === undefined && !delay && !isInLine && deduplicate === undefined;
}
