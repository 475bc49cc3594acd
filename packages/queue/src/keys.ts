/**
 * The keys of a queue, in the order in which its scripts take them (lua/queue.lua says what each is), and the names that
 * queues may have.
 *
 * Guarantees: all share one hash tag, so that a queue lives on one shard of a Cluster, and so do its groups.
 */
import { display, MisuseError } from '@holdfast/kernel';

/** Priorities are 0 to this. */
export const HIGHEST_PRIORITY = 9;

const NAMES = [
  'meta',
  'sessions',
  'tasks',
  'delayed',
  'lines',
  'slots',
  'places',
  'dead',
  'letters',
  'events',
  'results',
  'progress',
  'dedup',
  'deduped',
  'wake',
  'schedules',
  'ticks',
  'paced',
  'paces',
  'joined',
  'notices',
  'begun',
] as const;

type KeyName = (typeof NAMES)[number];

export interface QueueKeys {
  /** As KEYS of every script. */
  readonly all: readonly string[];
  readonly of: (name: KeyName) => string;
  readonly stream: (priority: number) => string;
}

/** Of "<queue>", or "<queue>@<group>". */
export function keysOf(name: string, prefix: string): QueueKeys {
  const [queue = '', group] = name.split('@');
  const opening = `${prefix}{queue:${queue}}${group === undefined ? '' : `@${group}`}`;
  const of = (key: string): string => `${opening}:${key}`;
  const stream = (priority: number): string => of(`ready:${priority}`);
  const streams = Array.from({ length: HIGHEST_PRIORITY + 1 }, (_, priority) => stream(priority));
  return { all: [...NAMES.map(of), ...streams], of, stream };
}

/** Every queue of a prefix, by its name. */
export const registryKey = (prefix: string): string => `${prefix}holdfast:queues`;

const WORD = '[A-Za-z0-9_-]{1,64}';
const NAME = new RegExp(`^${WORD}$`);
/** "<queue>", "<queue>.<partition>", and a group of either, "<queue>@<group>". */
const QUEUE_NAME = new RegExp(`^${WORD}(?:\\.\\d{1,3})?(?:@${WORD})?$`);

/** A name of something that has keys of its own. */
export function requireKeyName(option: string, name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new MisuseError(
    `${option} is 1 to 64 letters, digits, "_" and "-"; got ${display(name)}. Choose another name.`,
  );
}

/** Throws MisuseError for what is neither a queue's name nor that of a partition or a group of one. */
export function requireQueueName(name: unknown): string {
  if (typeof name === 'string' && QUEUE_NAME.test(name)) return name;
  throw new MisuseError(
    `name is 1 to 64 letters, digits, "_" and "-", or "<queue>@<group>" for a group of a queue, or "<queue>.<n>" for a partition; got ${display(name)}. Choose another name.`,
  );
}

/** What stands first in all keys; '' for nothing. Throws MisuseError. */
export function requirePrefix(prefix: unknown): string {
  if (typeof prefix === 'string' && /^[^{}\p{Cc}]{0,64}$/u.test(prefix)) return prefix;
  throw new MisuseError(
    `prefix is a string of at most 64 characters without braces and control characters; got ${display(prefix)}.`,
  );
}

const LONGEST_ID = 256;

/** An id of a task: 1 to 256 bytes of UTF-8. Throws MisuseError. */
export function requireId(option: string, id: unknown): string {
  // A lone surrogate has no UTF-8.
  const isText = typeof id === 'string' && id !== '' && !/\p{Cs}/u.test(id);
  if (isText && (id.length * 3 <= LONGEST_ID || Buffer.byteLength(id) <= LONGEST_ID)) return id;
  throw new MisuseError(`${option} is text of 1 to ${LONGEST_ID} bytes in UTF-8; got ${display(id)}.`);
}
