/**
 * The keys of a queue, their contents, and the names that queues may have.
 *
 * Guarantees: all share one hash tag, so that a queue lives on one shard of a Cluster, and so do its groups.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Keyspace, Script } from '@holdfast/redis';

/** Priorities are 0 to this. */
export const HIGHEST_PRIORITY = 9;

const READY = Array.from({ length: HIGHEST_PRIORITY + 1 }, (_, priority) => `ready:${priority}`);

/**
 * The keys, by the names that the scripts use in upper case.
 *
 * A task that waits stands in the stream of its priority, as an entry with
 *   d <data> o <options>  the whole task: most tasks
 *   i <id>                its record is in `tasks`
 * A record is "<priority> <holds> <key>\n<body>": holds is 1 if the task keeps a slot of its key while it is delayed. A
 * task with a record is in one place: `places` says where its entry is, or its id is in `delayed` or in `joined`; in
 * the latter case it is also in `lines`, or has a slot and is in `paced`. The consumer of an entry is a session of a
 * worker; the consumer "-" is nobody: its entries were handed back, or taken from a session that is over.
 */
export const KEYSPACE = {
  names: [
    // Settings and counters: layout token server epoch confirmed levels returned cancelling paused seq since
    // call:<session> last:<schedule> ran:<schedule> event announced owned passed passed_dead unique fan fans, how many ended how
    // and how long they took: ends:<how> took:<bound>, and the declared limits: limits max limit rate per key_limit key_rate
    // key_per keep keep_for dead_keep dead_keep_for keep_events breaker; and how that is: broken probe.
    'meta',
    // Sessions by the time at which they end.
    'sessions',
    // Records of tasks by id.
    'tasks',
    // Ids by the time at which they are due.
    'delayed',
    // Tasks that wait for a slot of their key, as key, number and id.
    'lines',
    // Weights of tenants that have another one than 1.
    'weights',
    // Slots in use by key.
    'slots',
    // Where entries are, by id: priority and entry.
    'places',
    // Dead letters by time, and by id.
    'dead',
    'letters',
    // Results, a stream, and their entries in it by id.
    'events',
    'results',
    // Of tasks with a retention of their own, by the time at which they go: entries in `events`, and ids of dead letters.
    'own',
    'own_dead',
    // Progress by id, and logs.
    'progress',
    'logs',
    // Deduplication keys by the time at which they end; ids by deduplication key, which is prefixed with 'k:', the
    // reverse, with 'i:', and what ends the window before its time, by id, with 'u:'.
    'dedup',
    'deduped',
    // A list, of which an element wakes one of the workers that sleep.
    'bell',
    // Schedules by name, and by their next tick.
    'schedules',
    'ticks',
    // Ids that the rate of their key holds back, by the time at which they are due; and keys by the time from which
    // nothing in their log counts any more.
    'paced',
    'paces',
    // Ids that wait for their key, by their number, which is the time since which they wait, in microseconds.
    'joined',
    // Other events, a stream of the latest ones: progress, failures and removals.
    'notices',
    // And one of the latest moves of tasks that clients want to hear of: added, begun, stalled.
    'moves',
    // Logs of the tasks that began lately, of the queue and of keys.
    'begun',
    // Reasons of cancelled tasks by the places of their deliveries, which have not ended; and a stream of the latest 1000
    // of them.
    'cancelling',
    'cancels',
    // Cancelled tasks by time, and the reasons by id.
    'cancelled',
    'reasons',
    // Fan-ins whose follow-up is to come, by its id; the tasks that have to end for that; how those have ended; and what of
    // that is to be deleted: see lua/fans.lua.
    'fans',
    'members',
    'gathered',
    'litter',
  ],
  /** The streams by priority, from 0. */
  arrays: { ready: READY },
} as const satisfies Keyspace;

/** Stands before the name of a tenant where a record has a key: no key of a user begins so. */
const TENANT = '\u0003';

export const keyOfTenant = (tenant: string): string => `${TENANT}${tenant}`;

export const isTenant = (key: string): boolean => key.startsWith(TENANT);

/** What a record has in the place of a key: the key of a task, or its tenant. */
export function partsOfKey(key: string): { readonly key?: string; readonly tenant?: string } {
  if (key === '') return {};
  return isTenant(key) ? { tenant: key.slice(TENANT.length) } : { key };
}

type KeyName = (typeof KEYSPACE)['names'][number];

export interface QueueKeys {
  readonly of: (name: KeyName) => string;
  readonly stream: (priority: number) => string;
  /** The keys that a script takes, as KEYS. */
  readonly for: (script: Script) => readonly string[];
}

/** The keys of "<queue>", or of "<queue>@<group>". */
export function keysOf(name: string, prefix: string): QueueKeys {
  const [queue = '', group] = name.split('@');
  const opening = `${prefix}{queue:${queue}}${group === undefined ? '' : `@${group}`}`;
  const of = (key: string): string => `${opening}:${key}`;
  return { of, stream: (priority) => of(`ready:${priority}`), for: ({ keys }) => keys.map(of) };
}

/** The name of the guard for Redis that has the marks of a queue, and of its groups: their keys share the hash tag. */
export const guardName = (name: string): string => `queue:${name.split('@')[0]}`;

/** Begins the keys of those marks. */
export const guardRoot = (name: string, prefix: string): string => `${prefix}{${guardName(name)}}:`;

/** The issuer of the tokens of its tasks: a different one for each prefix, since each has a clock of its own. */
export function issuerOf(name: string, prefix: string): string {
  return `queue:${prefix === '' ? name : `${prefix}{${name}}`}`;
}

/** The key of the registry: every queue of a prefix, by its name. */
export const registryKey = (prefix: string): string => `${prefix}holdfast:queues`;

const WORD = '[A-Za-z0-9_-]{1,64}';
const NAME = new RegExp(`^${WORD}$`);
/** "<queue>", "<queue>.<partition>", and a group of either, "<queue>@<group>". */
const QUEUE_NAME = new RegExp(`^${WORD}(?:\\.\\d{1,3})?(?:@${WORD})?$`);

/** Checks the name of something that has keys of its own. */
export function requireKeyName(option: string, name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new MisuseError(
    `${option} is 1 to 64 letters, digits, "_" and "-"; got ${display(name)}. Choose another name.`,
  );
}

/** Throws MisuseError for a name that is neither a queue's nor that of a partition or a group of one. */
export function requireQueueName(name: unknown): string {
  if (typeof name === 'string' && QUEUE_NAME.test(name)) return name;
  throw new MisuseError(
    `name is 1 to 64 letters, digits, "_" and "-", or "<queue>@<group>" for a group of a queue, or "<queue>.<n>" for a partition; got ${display(name)}. Choose another name.`,
  );
}

const LONGEST_ID = 256;

/** Checks an id of a task: 1 to 256 bytes of UTF-8. Throws MisuseError. */
export function requireId(option: string, id: unknown): string {
  // A lone surrogate has no UTF-8.
  const isText = typeof id === 'string' && id !== '' && !/\p{Cs}/u.test(id);
  if (isText && (id.length * 3 <= LONGEST_ID || Buffer.byteLength(id) <= LONGEST_ID)) return id;
  throw new MisuseError(`${option} is text of 1 to ${LONGEST_ID} bytes in UTF-8; got ${display(id)}.`);
}
