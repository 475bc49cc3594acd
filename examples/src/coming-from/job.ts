/**
 * What the programs of this folder do under their locks, before and after: a counter that only one may change at a time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { data, nodes, stop } from '../nodes.js';

/** The lock nodes, as the peers' programs have them. */
export const clients: Redis[] = nodes.map((url) => new Redis(url));

const store = new Redis(data);
await store.set('counter', 0);

/** Twelve at the same time. */
export const TASKS = Array.from({ length: 12 }, (_, index) => index);

/** Reads, thinks, writes: two at a time would lose an update. */
export async function increment(): Promise<void> {
  const counter = Number(await store.get('counter'));
  await pause(3);
  await store.set('counter', counter + 1);
}

export const counter = (): Promise<string | null> => store.get('counter');

export async function end(): Promise<void> {
  for (const client of [...clients, store]) client.disconnect();
  await stop();
}
