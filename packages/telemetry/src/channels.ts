/**
 * The diagnostics channels of all packages, and how important a message on each is.
 *
 * Guarantees: `onEveryChannel` also learns of the channels of packages that are loaded later.
 */
import { type Channel, channel } from 'node:diagnostics_channel';

/** How important a message is, as loggers name it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Declared {
  readonly channel: Channel;
  readonly level: LogLevel;
}

const declared: Declared[] = [];
const listeners = new Set<(one: Declared) => void>();

/** Declares a channel of a package. */
export function declareChannel(name: string, level: LogLevel): Channel {
  const one = { channel: channel(name), level };
  declared.push(one);
  for (const listener of listeners) listener(one);
  return one.channel;
}

/** Calls `listener` once for each channel that exists now or later. Returns a function that ends that. */
export function onEveryChannel(listener: (one: Declared) => void): () => void {
  for (const one of declared) listener(one);
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
