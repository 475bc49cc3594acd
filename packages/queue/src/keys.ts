/**
 * The keys of a queue, in the order in which its scripts take them (lua/queue.lua says what each is), and the names that
 * queues may have.
 *
 * Guarantees: all share one hash tag, so that a queue lives on one shard of a Cluster, and so do its groups.
 */
import { display, MisuseError, requireName } from '@holdfast/kernel';

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
] as const;

type KeyName = (typeof NAMES)[number];

export interface QueueKeys {
  /** As KEYS of every script. */
  readonly all: readonly string[];
  readonly of: (name: KeyName) => string;
  readonly stream: (priority: number) => string;
}

/** "<queue>", or "<queue>@<group>". */
export function keysOf(name: string): QueueKeys {
  const [queue = '', group] = name.split('@');
  const opening = group === undefined ? `{queue:${queue}}` : `{queue:${queue}}@${group}`;
  const of = (key: string): string => `${opening}:${key}`;
  const stream = (priority: number): string => of(`ready:${priority}`);
  const streams = Array.from({ length: HIGHEST_PRIORITY + 1 }, (_, priority) => stream(priority));
  return { all: [...NAMES.map(of), ...streams], of, stream };
}

/** Throws MisuseError for what is neither a queue's name nor that of a group of one. */
export function requireQueueName(name: unknown): string {
  const [queue, group, ...more] = requireName('name', name).split('@');
  const isGroup = group !== undefined;
  if (
    /[{}]/.test(String(name)) ||
    queue === '' ||
    group === '' ||
    more.length > 0 ||
    (isGroup && /:/.test(group))
  ) {
    throw new MisuseError(
      `name is that of a queue, without braces, or "<queue>@<group>" for a group of it, which has no colon; got ${display(name)}.`,
    );
  }
  return String(name);
}

/** The queue of which a key is one, as `requireQueueName` has it. */
export function queueOfKey(key: string): string {
  const [, queue = '', group = ''] = /^\{queue:([^}]*)\}(@[^:]*)?:/.exec(key) ?? [];
  return queue + group;
}
