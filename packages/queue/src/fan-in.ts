/**
 * Fan-out and fan-in: tasks whose ends add another task, their follow-up. The main path: `queue.addMany(tasks, { followUp })`;
 * in the handler of the follow-up, `task.outcomes()`.
 *
 * Guarantees: the follow-up is added once, in the script that ends the last of the tasks, and not before all have ended,
 * however each does. Adding may be repeated with the id of the follow-up, and then adds what is missing.
 */
import {
  checkData,
  MisuseError,
  passedOn,
  type Readers,
  readOptions,
  type TokenClaim,
} from '@holdfast/kernel';
import type { Reply } from '@holdfast/redis';
import { type Added, noteAdded, queueFull } from './adding.js';
import type { Claimed } from './claimed.js';
import { TaskGoneError } from './errors.js';
import { type FanRequest, fan, gathered } from './fan-verbs.js';
import { staleHolder } from './guarded.js';
import { requireId } from './keys.js';
import { type QueueParts, requireQueue } from './parts.js';
import { passedOnTo } from './passing.js';
import type { Payloads } from './payloads.js';
import type { QueuePort } from './port.js';
import type { TaskOutcome } from './results.js';
import { LATE, withinTime } from './retrying.js';
import {
  type AddOptions,
  type AddSettings,
  keptOptions,
  readAddOptions,
  refuseHolder,
  type TaskToAdd,
} from './task-options.js';
import { traceOfAdd } from './telemetry.js';

/** A queue, as far as a follow-up concerns it. */
interface Adding<Input> {
  readonly name: string;
  add(data: Input, options?: AddOptions): Promise<Added>;
}

/** The task that is added when all others have ended. */
export type FollowUp<Input, Other = Input> = {
  /**
   * As those of `add`. Its delay, and the time within which it has to begin, count from when it is added. `deduplicate`
   * concerns the call: for `within` ms, further calls with the same key add nothing, also when the follow-up has ended.
   */
  readonly options?: AddOptions;
} & (
  | { readonly data: Input; readonly queue?: undefined }
  /** Another queue of the same Redis and the same prefix. */
  | {
      readonly data: Other;
      readonly queue: Adding<Other>;
    }
);

/** The outcome of `addMany` with a follow-up. */
export interface FanIn {
  /** The id of the follow-up: `wait` waits for its result, `outcomes` reads how the others have ended. */
  readonly id: string;
  readonly tasks: readonly Added[];
}

/** How many tasks one call adds: so many are added together, or none. */
const MOST = 100;

/** How many outcomes one call reads. */
const PAGE = 500;

const FOLLOW_UP = {
  data: passedOn<unknown>(),
  options: passedOn<AddOptions | undefined>(),
  queue: passedOn<object | undefined>(),
} satisfies Readers<{ data: unknown; options?: unknown; queue?: unknown }>;

/** Adds tasks and their follow-up. Throws MisuseError, QueueFullError, StaleTokenError, UnavailableError. */
export async function addFanIn(
  parts: QueueParts,
  tasks: readonly TaskToAdd<unknown>[],
  { followUp: given, holder }: { readonly followUp: unknown; readonly holder: TokenClaim | undefined },
): Promise<FanIn> {
  const { port, marks } = parts;
  const { fan: id, isNamed, ...followUp } = await followUpOf(parts, given);
  const claim = holder && marks.partsOf(holder);
  if (tasks.length > MOST && !isNamed) {
    throw new MisuseError(
      `The follow-up of more than ${MOST} tasks needs options.id, so that addMany can be repeated if it fails half-way; got ${tasks.length} tasks and no id.`,
    );
  }
  const members = await Promise.all(tasks.map((task, place) => memberOf(parts, task, { fan: id, place })));
  requireOnce([id, ...members.map((member) => member.id)]);
  const words: string[] = [];
  for (let from = 0; from === 0 || from < members.length; from += MOST) {
    const some = members.slice(from, from + MOST);
    const request = { fan: id, total: tasks.length, ...followUp, members: some, claim };
    const reply = await addSome(parts, request, from);
    if (holder && reply[0] === 'refused') throw staleHolder(holder, reply.slice(1));
    words.push(...carriedOut(parts, id, reply.map(String)));
  }
  if (port.waitsForReplicas) await port.replicated();
  const added = members.map((member, place) => ({ id: member.id, added: words[place] === 'added' }));
  for (const each of added) if (each.added) noteAdded(parts);
  return { id, tasks: added };
}

/** One call, which is repeated if the queue's adds are. */
function addSome(
  { port, settings: { retry } }: QueueParts,
  { deduplicate, ...request }: Omit<FanRequest, 'name' | 'within'> & Pick<AddSettings, 'deduplicate'>,
  from: number,
): Promise<readonly Reply[]> {
  const key = port.random.id();
  const own = retry && ({ key, within: retry.within + LATE, keep: 'first', until: undefined } as const);
  const once = deduplicate ?? own;
  const name = once ? `fan-in:${from}:${once.key}` : '';
  const add = () => port.call(fan, { ...request, name, within: once?.within ?? 0 });
  return retry ? withinTime(add, { deduplicate: once }, retry, port) : add();
}

function carriedOut(parts: QueueParts, id: string, [word, ...rest]: readonly string[]): readonly string[] {
  if (word === 'full') throw queueFull(parts, rest[0] ?? '');
  if (word !== 'used') return rest;
  throw new MisuseError(
    `The id "${id}" is that of another task of "${parts.name}", or of a follow-up of another number of tasks, which has not ended. Choose another, or wait until it has ended.`,
  );
}

const DATA = 'The data of a task';

async function memberOf(
  parts: QueueParts,
  { data, options: given }: TaskToAdd<unknown>,
  { fan, place }: { readonly fan: string; readonly place: number },
): Promise<FanRequest['members'][number]> {
  const { settings, schema, payloads } = parts;
  const options = readAddOptions(given ?? {});
  requireNoDeduplication(options);
  refuseHolder(options, 'the holder of addMany is that of all its tasks, and of the follow-up');
  const json = payloads.json(data, DATA);
  if (schema) await checkData(schema, data, { of: 'the task', owner: 'queue' });
  const text = payloads.isCoded ? await payloads.sealed(json, DATA) : json;
  const { id = requireId('The id of the follow-up, "/" and a place', `${fan}/${place}`) } = options;
  const { priority, key = '', delay, expires } = options;
  const kept = keptOptions(settings.kept, options, { isWhole: false, trace: traceOfAdd() });
  return { place, id, priority, key, delay, expires, body: bodyOf(text, kept) };
}

/** Throws MisuseError. */
export const readFollowUp = (given: unknown) => readOptions('followUp', given, FOLLOW_UP);

type FollowUpRequest = Pick<FanRequest, 'fan' | 'delay' | 'expires' | 'record'> &
  Pick<AddSettings, 'deduplicate'> & { readonly isNamed: boolean };

async function followUpOf(parts: QueueParts, given: unknown): Promise<FollowUpRequest> {
  const { data, options: chosen, queue } = readFollowUp(given);
  const target = queue === undefined ? parts : requireQueue(queue);
  const { settings, schema, payloads } = target;
  const options = readAddOptions(chosen ?? {});
  const { deduplicate } = options;
  refuseHolder(options, 'the holder of addMany is that of the follow-up too');
  if (
    deduplicate &&
    (deduplicate.until !== undefined || deduplicate.keep === 'last' || options.id === undefined)
  ) {
    throw new MisuseError(
      'deduplicate of a follow-up is { key, within }, and its options need an id too: by both, a repeated call is recognized.',
    );
  }
  const json = payloads.json(data, 'The data of a follow-up');
  if (schema) await checkData(schema, data, { of: 'the follow-up', owner: 'queue' });
  const text = await payloads.sealed(json, 'The data of a follow-up');
  const { id = parts.port.random.id(), priority, key = '', delay, expires } = options;
  const kept = keptOptions(settings.kept, options, { isWhole: false, trace: traceOfAdd() });
  const request = { fan: id, isNamed: options.id !== undefined, deduplicate };
  if (target === parts) {
    return { ...request, delay, expires, record: `${priority} 0 ${key}\n${bodyOf(text, kept)}` };
  }
  const passed = passedOnTo(parts, target, { priority, key, delay, expires, kept });
  return {
    ...request,
    delay: 0,
    expires: undefined,
    record: `0 0 \n${bodyOf(text, JSON.stringify(passed))}`,
  };
}

const bodyOf = (data: string, kept: string): string =>
  kept === '' ? `{"d":${data}}` : `{"d":${data},"o":${kept}}`;

function requireNoDeduplication({ deduplicate }: { readonly deduplicate: unknown }): void {
  if (deduplicate === undefined) return;
  throw new MisuseError(
    'A task that a follow-up waits for cannot have `deduplicate`; give it an id, or give deduplicate to the follow-up.',
  );
}

function requireOnce(ids: readonly string[]): void {
  const known = new Set<string>();
  for (const id of ids) {
    if (known.has(id))
      throw new MisuseError(
        `Each task of a fan-in, and its follow-up, needs an id of its own; "${id}" is there twice.`,
      );
    known.add(id);
  }
}

/**
 * Throws MisuseError if nothing is known of such a fan-in, TaskGoneError if it is forgotten meanwhile, CodecError,
 * UnavailableError.
 */
export async function* outcomesOf({ port, payloads }: Ended, id: string): AsyncGenerator<TaskOutcome, void> {
  let number: string | undefined;
  for (let from = 0; ; ) {
    const page = await port.call(gathered, { id, from, limit: PAGE });
    if (number === undefined && page === undefined) {
      throw new MisuseError(
        `No task ${id} of "${port.name}" is known that follows on others; its outcomes are kept for as long as it is.`,
      );
    }
    if (page === undefined || page.number !== (number ?? page.number)) {
      throw new TaskGoneError({
        queue: port.name,
        id,
        reason: 'it was forgotten while its outcomes were read',
      });
    }
    number = page.number;
    for (const outcome of page.outcomes) yield await payloads.outcome(outcome);
    if (page.next === undefined) return;
    from = page.next;
  }
}

/** Of the tasks that a delivered one follows on, which may be in another queue. */
export const outcomesBefore = (
  { port, payloads }: Ended,
  { id, options: { g: origin } }: Claimed,
): AsyncGenerator<TaskOutcome, void> =>
  outcomesOf(
    { port: origin === undefined ? port : port.beside(origin, []), payloads: payloads.of(origin) },
    id,
  );

/** The queue of tasks that have ended. */
interface Ended {
  readonly port: QueuePort;
  readonly payloads: Payloads;
}

/** How far the tasks of a fan-in are. */
export interface FanInInfo {
  /** How many tasks it has. */
  readonly tasks: number;
  /** How many of them have not ended; at 0, the follow-up was added. */
  readonly left: number;
}

/** Undefined if nothing is known of such a fan-in. Throws UnavailableError. */
export async function fanInOf(port: QueuePort, id: string): Promise<FanInInfo | undefined> {
  const page = await port.call(gathered, { id, from: 0, limit: 0 });
  return page && { tasks: page.total, left: page.left };
}
