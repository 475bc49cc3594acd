/**
 * The rights that a Redis user needs, and those of them that are missing.
 *
 * Guarantees: changes nothing. If the user may call it, ACL DRYRUN says what would be refused. If not, the commands
 * that only read are tried on a key that does not exist, and the others stay unchecked.
 */
import type { Reply } from '@holdfast/redis';
import type { RightsFacts } from './facts.js';

/** Sends one command; rejects with the server's own words. */
export type Ask = (command: string, ...args: readonly string[]) => Promise<Reply>;

interface Right {
  /** As in ACL SETUSER, without "+". */
  readonly name: string;
  readonly args: readonly string[];
  /** Whether calling it with `args` leaves no trace. */
  readonly harmless?: true;
}

/** Rights that matter only in a Cluster. */
const ONLY_IN_CLUSTERS: readonly string[] = ['exists', 'cluster|nodes'];

/** All rights of the rule in the README of @holdfast/lock. `key` and `channel` belong to the deployment. */
export function rightsFor(key: string, channel: string): readonly Right[] {
  const unknown = 'f'.repeat(40);
  return [
    { name: 'fcall', args: ['holdfast_doctor', '0'], harmless: true },
    { name: 'function|load', args: ['x'] },
    { name: 'evalsha', args: [unknown, '0'], harmless: true },
    { name: 'eval', args: ['', '0'] },
    { name: 'script|load', args: [''] },
    { name: 'info', args: [], harmless: true },
    { name: 'time', args: [], harmless: true },
    { name: 'get', args: [key], harmless: true },
    { name: 'mget', args: [key], harmless: true },
    { name: 'set', args: [key, ''] },
    { name: 'del', args: [key] },
    { name: 'pttl', args: [key], harmless: true },
    { name: 'pexpire', args: [key, '1'] },
    { name: 'hset', args: [key, 'x', ''] },
    { name: 'hdel', args: [key, 'x'] },
    { name: 'hmget', args: [key, 'x'], harmless: true },
    { name: 'zadd', args: [key, '0', ''] },
    { name: 'zcard', args: [key], harmless: true },
    { name: 'zpopmin', args: [key] },
    { name: 'zrange', args: [key, '0', '0'], harmless: true },
    { name: 'zrem', args: [key, ''] },
    { name: 'zremrangebyscore', args: [key, '0', '0'] },
    { name: 'publish', args: [channel, ''] },
    { name: 'subscribe', args: [channel] },
    { name: 'pubsub|numsub', args: [channel], harmless: true },
    { name: 'ping', args: [], harmless: true },
    { name: 'hello', args: [] },
    { name: 'select', args: ['0'] },
    { name: 'exists', args: [key], harmless: true },
    { name: 'cluster|nodes', args: [] },
  ];
}

/** Asks the server which rights are missing. `root` is the beginning of every key of the deployment. */
export async function collectRights(ask: Ask, root: string, inCluster: boolean): Promise<RightsFacts> {
  const user = await ask('ACL', 'WHOAMI').then(String, () => undefined);
  const rights = rightsFor(`${root}doctor`, `${root}wake:doctor`);
  const needed = rights.filter(({ name }) => inCluster || !ONLY_IN_CLUSTERS.includes(name));
  const complete = user !== undefined && (await mayRehearse(ask, user));
  const missing = await Promise.all(
    needed.map(async ({ name, args, harmless }) => {
      const words = [...name.split('|'), ...args];
      const refusal = complete ? await rehearse(ask, user, words) : harmless && (await tryOut(ask, words));
      return refusal ? inRule(refusal, name, root) : [];
    }),
  );
  return { user, complete, missing: [...new Set(missing.flat())] };
}

async function mayRehearse(ask: Ask, user: string): Promise<boolean> {
  return ask('ACL', 'DRYRUN', user, 'PING').then(
    () => true,
    () => false,
  );
}

/** The server's words if the command would be refused. */
async function rehearse(ask: Ask, user: string, words: readonly string[]): Promise<string | undefined> {
  const reply = await ask('ACL', 'DRYRUN', user, ...words).then(String, () => 'OK'); // a command it does not have
  return reply === 'OK' ? undefined : reply;
}

async function tryOut(ask: Ask, [command = '', ...args]: readonly string[]): Promise<string | undefined> {
  return ask(command, ...args).then(
    () => undefined,
    (error: unknown) => {
      const words = error instanceof Error ? error.message : String(error);
      return words.startsWith('NOPERM') ? words : undefined;
    },
  );
}

/** A refusal is about the command, or about its key or its channel. */
function inRule(refusal: string, name: string, root: string): string {
  if (/access .*\bchannel/i.test(refusal)) return `&${root}*`;
  if (/access .*\bkeys?\b/i.test(refusal)) return `~${root}*`;
  return `+${name}`;
}
