/**
 * What a data Redis knows that only rises: marks of fences, ends of streams, places of readers, offsets of lanes, numbers of
 * generations and of writes. A server that went back in time has less of them.
 *
 * Guarantees: changes nothing, and reads no data of users but the names in keys. It looks through the keys in steps, so that the
 * server answers others in between; of a Cluster, those of the server to which the address leads. What rises while it reads is
 * read as it was or as it is.
 */
import { type Clock, UnavailableError, within } from '@holdfast/kernel';
import {
  type Connection,
  connect,
  FORBIDDEN_ADVICE,
  isForbidden,
  MissingRightsError,
  type Reply,
  reasonOf,
} from '@holdfast/redis';

/** What kind of thing rises. */
export type Kind =
  | 'mark'
  | 'queue'
  | 'runs'
  | 'reader'
  | 'lane'
  | 'offset'
  | 'rows'
  | 'generations'
  | 'index';

export interface Fact {
  readonly kind: Kind;
  /** Numbers, the first of which counts most. */
  readonly at: readonly number[];
  /** Of a mark: whose tokens are compared with each other. */
  readonly issuer?: string;
}

/** By the key, and the field in it. */
export type Facts = ReadonlyMap<string, Fact>;

interface Place {
  readonly redis: string;
  readonly prefix: string;
  readonly clock: Clock;
}

/** How many keys a step looks at, and how long it may take, in ms. */
const COUNT = 1_000;
const TIMEOUT = 5_000;
/** How many keys are read at a time. */
const AT_ONCE = 100;

/** Throws UnavailableError; MissingRightsError for a user without the rights. */
export async function readFacts({ redis, prefix, clock }: Place): Promise<Facts> {
  const connection = connect(redis);
  const send = (command: string, ...args: readonly string[]): Promise<Reply> =>
    within(clock, TIMEOUT, connection.send(command, args), `did not answer within ${TIMEOUT} ms`);
  const facts = new Map<string, Fact>();
  try {
    await connection.open();
    let cursor = '0';
    do {
      const reply = await send('SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', String(COUNT));
      const [next, keys] = reply as readonly [string, readonly string[]];
      await readKeys(keys, send, facts);
      cursor = String(next);
    } while (cursor !== '0');
    return facts;
  } catch (error) {
    throw explained(error, connection);
  } finally {
    connection.close();
  }
}

type Send = (command: string, ...args: readonly string[]) => Promise<Reply>;

/** What is read of the keys that fit a pattern. */
interface Source {
  readonly pattern: RegExp;
  readonly read: (send: Send, key: string) => Promise<readonly (readonly [field: string, fact: Fact])[]>;
}

const SOURCES: readonly Source[] = [
  { pattern: /\{(?!queue:|wf:|feat:|vectors:)[^{}]*\}:mark:/s, read: readMark },
  { pattern: /\{queue:[^{}]+\}(@[^:]+)?:(events|notices|moves|ready:\d+)$/, read: endOf('queue') },
  { pattern: /\{wf:[^{}]+\}:events$/, read: endOf('runs') },
  { pattern: /\{wf:[^{}]+\}:cursors$/, read: fieldsOf('') },
  { pattern: /\{feat:[^{}]+\}:log$/, read: endOf('rows') },
  { pattern: /\{feat:[^{}]+\}:history$/, read: endOf('generations') },
  { pattern: /\{feat:[^{}]+\}:record$/, read: fieldsOf('record') },
  { pattern: /\{vectors:[^{}]+\}:log$/, read: lastWrite },
];

async function readKeys(keys: readonly string[], send: Send, facts: Map<string, Fact>): Promise<void> {
  const wanted = keys.flatMap((key) => {
    const source = SOURCES.find(({ pattern }) => pattern.test(key));
    return source === undefined ? [] : [{ key, source }];
  });
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    const some = wanted.slice(from, from + AT_ONCE);
    const read = await Promise.all(some.map(({ key, source }) => orNothing(source.read(send, key))));
    some.forEach(({ key }, place) => {
      for (const [field, fact] of read[place] ?? []) facts.set(field === '' ? key : `${key} ${field}`, fact);
    });
  }
}

/** A key of another kind, or one that is gone by now, is none of ours. */
async function orNothing<Result>(read: Promise<readonly Result[]>): Promise<readonly Result[]> {
  try {
    return await read;
  } catch (error) {
    if (/^(WRONGTYPE|ERR no such key)/.test(reasonOf(error))) return [];
    throw error;
  }
}

async function readMark(send: Send, key: string): ReturnType<Source['read']> {
  const [, token, issuer = ''] = /^(\d+) ?(.*)$/s.exec(String(await send('GET', key))) ?? [];
  return token === undefined ? [] : [['', { kind: 'mark', at: [Number(token)], issuer }]];
}

/** The last entry of a stream, and how many it has had. */
function endOf(kind: Kind): Source['read'] {
  return async (send, key) => {
    const reply = (await send('XINFO', 'STREAM', key)) as readonly Reply[];
    const field = (name: string): string => String(reply[reply.indexOf(name) + 1]);
    const at = [...field('last-generated-id').split('-'), field('entries-added')].map(Number);
    return [['', { kind, at }]];
  };
}

/** Of a hash: places of readers of events; or marks and offsets of lanes, and the change of the catalog that is known. */
function fieldsOf(what: 'record' | ''): Source['read'] {
  return async (send, key) => {
    const reply = (await send('HGETALL', key)) as readonly string[];
    const found: [string, Fact][] = [];
    for (let place = 0; place < reply.length; place += 2) {
      const [field = '', value = ''] = [reply[place], reply[place + 1]];
      const kind = what === '' ? 'reader' : kindOf(field);
      if (kind !== undefined) found.push([field, { kind, at: numbersIn(kind, value) }]);
    }
    return found;
  };
}

function kindOf(field: string): Kind | undefined {
  if (field === 'n') return 'generations';
  if (field.startsWith('mark:')) return 'lane';
  return field.startsWith('offset:') ? 'offset' : undefined;
}

/** A mark of a lane begins with its token; the rest says who has it. */
function numbersIn(kind: Kind, value: string): readonly number[] {
  const numbers = (value.match(/\d+/g) ?? []).map(Number);
  return kind === 'lane' ? numbers.slice(0, 1) : numbers;
}

async function lastWrite(send: Send, key: string): ReturnType<Source['read']> {
  const reply = (await send('ZREVRANGE', key, '0', '0', 'WITHSCORES')) as readonly Reply[];
  const [, score] = reply.flat(); // RESP3 has pairs
  return score === undefined ? [] : [['', { kind: 'index', at: [Number(score)] }]];
}

function explained(error: unknown, { address }: Connection): Error {
  const reason = reasonOf(error);
  if (isForbidden(reason))
    return new MissingRightsError(`${address}: ${reason}. ${FORBIDDEN_ADVICE}`, { cause: error });
  return new UnavailableError(`${address} could not be read: ${reason}.`, [{ node: address, reason }]);
}
