/**
 * The model of a server against a real one: the same sequences of commands go to both; every reply must be equal, and so
 * must be what is in them afterwards.
 *
 * Time is what the two cannot share. So the real server is asked for its time before and after each command, and the model
 * carries the command out twice, on copies, at either time. Where both say the same, the real reply must be that; where
 * they differ, as in what is left of a TTL, each number of the real reply must lie between theirs. A key that expires
 * within a few milliseconds of being looked at proves nothing either way; such a sequence is set aside and counted. On a
 * busy machine a server may be kept waiting between two of its looks at the clock, so a sequence that differs is carried
 * out again, and counts as different if it differs every time: a difference that is not one of time does.
 */
import { createHash } from 'node:crypto';
import { startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import { Dice } from '../plan/dice.js';
import { ModelServer, printScore, type Reply, ServerError, type StoredValue } from '../redis/index.js';
import type { Sent } from './raw.js';
import { recordSequences, type Sequence } from './record.js';

export interface ComparisonOptions {
  readonly sequences: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
}

interface Difference {
  /** From which the sequence can be drawn again, together with its place among those of the seed. */
  readonly seed: number;
  readonly place: number;
  readonly command: string;
  readonly model: string;
  readonly redis: string;
}

export interface Comparison {
  readonly sequences: number;
  readonly commands: number;
  /** Set aside, because something expired in the middle. */
  readonly undecided: number;
  /** Carried out more than once. */
  readonly repeated: number;
  readonly differences: readonly Difference[];
}

/** How far apart two servers may see the same moment, in ms. */
const BLUR = 3;

/** How often a sequence that differs is carried out. */
const TRIES = 3;

/** What is in a server: keys, each with its type, what is left of its TTL, and its value. */
const DUMP = `local out = {}
local keys = redis.call('KEYS', '*')
table.sort(keys)
for _, key in ipairs(keys) do
  local kind = redis.call('TYPE', key).ok
  local value
  if kind == 'string' then value = {redis.call('GET', key)}
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then
    value = redis.call('SMEMBERS', key)
    table.sort(value)
  elseif kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'stream' then
    value = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
      value[#value + 1] = entry[1]
      for _, part in ipairs(entry[2]) do value[#value + 1] = part end
    end
  else value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  out[#out + 1] = {key, kind, redis.call('PTTL', key), value}
end
return out`;

export async function compareModel(options: ComparisonOptions): Promise<Comparison> {
  await using nodes = await startNodes(1, { args: ['--enable-debug-command', 'yes'] });
  const [url = ''] = nodes.urls;
  // The model speaks the second version of the protocol, in which a sorted set with its scores is one flat list.
  const redis = new Redis(url, { protocol: 2 });
  const listener = new Redis(url);
  const contest = new Contest(redis, listener);
  try {
    await contest.run(options);
  } finally {
    redis.disconnect();
    listener.disconnect();
  }
  return contest;
}

class Contest implements Comparison {
  sequences = 0;
  commands = 0;
  undecided = 0;
  repeated = 0;
  readonly differences: Difference[] = [];
  readonly #redis: Redis;
  readonly #listener: Redis;

  constructor(redis: Redis, listener: Redis) {
    this.#redis = redis;
    this.#listener = listener;
  }

  async run({ sequences, seed: firstSeed, onProgress }: ComparisonOptions): Promise<void> {
    for (let seed = firstSeed; this.sequences < sequences; seed += 1) {
      const drawn = await recordSequences(seed, new Dice(seed), await this.#present());
      for (const sequence of drawn) {
        if (this.sequences === sequences) return;
        this.sequences += 1;
        await this.#judge(sequence);
      }
      onProgress?.(this.sequences);
    }
  }

  /** The real server's time, which goes on as ours does. */
  async #present(): Promise<() => number> {
    const [seconds, micros] = await this.#redis.time();
    const offset = Number(seconds) * 1e6 + Number(micros) - performance.now() * 1_000;
    return () => Math.round(performance.now() * 1_000 + offset);
  }

  async #judge(sequence: Sequence): Promise<void> {
    let difference: Found | 'undecided';
    for (let tries = 0; tries < TRIES; tries += 1) {
      difference = await this.#compare(sequence);
      if (difference === undefined) break;
      if (tries === 0) this.repeated += 1;
    }
    this.commands += sequence.commands.length;
    if (difference === 'undecided') this.undecided += 1;
    else if (difference) {
      this.differences.push({ seed: sequence.seed, place: sequence.place, ...difference });
    }
  }

  /** Undefined if both say the same. */
  async #compare(sequence: Sequence): Promise<Found | 'undecided'> {
    const { commands, channels } = sequence;
    const identity = await this.#reset(channels);
    const pipeline = this.#redis.pipeline().call('TIME');
    for (const { name, args } of commands) pipeline.call(name, ...args).call('TIME');
    const replies = (await pipeline.call('EVAL', DUMP, '0').exec()) ?? [];
    const model = new Model(identity, channels);
    // A server that waited for the processor between two commands has seen a time that the model cannot know.
    const isInterrupted = commands.some(
      ({ name }, place) =>
        name !== 'DEBUG' && timeOf(replies[2 * place + 2]) - timeOf(replies[2 * place]) > BLUR * 1_000,
    );
    for (const [place, command] of commands.entries()) {
      const [before, real, after] = replies.slice(2 * place, 2 * place + 3);
      const between = [timeOf(before), timeOf(after)] as const;
      const difference = model.carryOut(command, between, describeReal(real));
      if (!difference) continue;
      return isInterrupted || model.isBlurred(between[1]) ? 'undecided' : difference;
    }
    const difference = model.compareState(timeOf(replies.at(-2)), replies.at(-1)?.[1] as Dumped[]);
    const isUndecided = isInterrupted || model.isBlurred(timeOf(replies.at(-2)));
    return difference && isUndecided ? 'undecided' : difference;
  }

  /** Empties the real server, and lets somebody listen where the sequence wants it. */
  async #reset(channels: readonly string[]): Promise<Identity> {
    await this.#listener.unsubscribe();
    if (channels.length > 0) await this.#listener.subscribe(...channels);
    await this.#redis.pipeline().flushall().call('SCRIPT', 'FLUSH').call('FUNCTION', 'FLUSH').exec();
    const info = await this.#redis.info();
    const field = (name: string): string => new RegExp(`${name}:(\\w+)`).exec(info)?.[1] ?? '';
    return { runId: field('run_id'), replicationId: field('master_replid') };
  }
}

interface Identity {
  readonly runId: string;
  readonly replicationId: string;
}

type Dumped = readonly [key: string, kind: string, ttl: number, value: readonly string[]];

type Found = Pick<Difference, 'command' | 'model' | 'redis'> | undefined;

const timeOf = (answer: readonly [Error | null, unknown] | undefined): number => {
  const [seconds, micros] = (answer?.[1] ?? []) as string[];
  return Number(seconds) * 1e6 + Number(micros);
};

const describeReal = ([error, reply]: readonly [Error | null, unknown] = [null, null]): string =>
  error ? `error ${error.message.replace(AT, '')}` : JSON.stringify(reply ?? null);

/** Where in a script an error came up. */
const AT = / script: \S+, on @user_(?:script|function):\d+\.$/;

class Model {
  readonly #server: ModelServer;
  readonly #channels: readonly string[];
  /** The scripts that it was sent, by digest. */
  readonly #scripts = new Map<string, string>();
  #before: ReturnType<ModelServer['snapshot']> | undefined;
  #time = 0;

  constructor({ runId, replicationId }: Identity, channels: readonly string[]) {
    this.#channels = channels;
    this.#server = new ModelServer({
      time: () => this.#time,
      name: () => '0'.repeat(40),
      publish: (channel) => (channels.includes(channel) ? 1 : 0),
      listening: (channel) => (channels.includes(channel) ? 1 : 0),
    });
    this.#server.runId = runId;
    this.#server.replicationId = replicationId;
  }

  carryOut(command: Sent, [before, after]: readonly [number, number], real: string): Found {
    if (command.name === 'DEBUG') return undefined;
    const early = this.#try(command, before);
    const model = early === real ? early : `${early} … ${this.#tryOnCopy(command, after)}`;
    if (early === real || liesBetween(real, ...(model.split(' … ') as [string, string]))) return undefined;
    return { command: JSON.stringify(command).slice(0, 2_000), model, redis: real };
  }

  /** Whether something expires within a few milliseconds of this time. */
  isBlurred(time: number): boolean {
    this.#time = time - BLUR * 1_000;
    return Object.values(this.#server.dump()).some(
      ({ expires }) => expires !== undefined && Math.abs(expires - time / 1_000) <= 2 * BLUR,
    );
  }

  compareState(time: number, real: readonly Dumped[]): Found {
    this.#time = time;
    const model = Object.entries(this.#server.dump()).map(([key, { type, value, expires }]) => {
      const ttl = expires === undefined ? -1 : expires - Math.floor(time / 1_000);
      return [key, type, ttl, flat(value)] as const;
    });
    const strip = (dumped: readonly Dumped[]): string =>
      JSON.stringify(
        dumped.map(([key, kind, , value]) => [key, kind, kind === 'hash' ? pairs(value) : value]),
      );
    const isClose = real.every(([, , ttl], place) => Math.abs(ttl - (model[place]?.[2] ?? 0)) <= BLUR);
    if (isClose && liesBetween(strip(real), strip(model), strip(model), BLUR)) return undefined;
    return { command: 'what is in it afterwards', model: JSON.stringify(model), redis: JSON.stringify(real) };
  }

  #try({ name, args }: Sent, time: number): string {
    this.#time = time;
    this.#before = this.#server.snapshot();
    const replied = answer(this.#server, name, args);
    const [text = '', loaded = ''] = args;
    if (name === 'EVAL') this.#scripts.set(sha1(text), text);
    if (name === 'SCRIPT' && text === 'LOAD') this.#scripts.set(sha1(loaded), loaded);
    return replied;
  }

  /** The same again, at another time, on what there was before. */
  #tryOnCopy({ name, args }: Sent, time: number): string {
    const { runId, replicationId } = this.#server;
    const copy = new Model({ runId, replicationId }, this.#channels);
    copy.#server.restart(this.#before);
    copy.#server.runId = runId;
    copy.#server.replicationId = replicationId;
    copy.#time = time;
    const [digest = '', ...rest] = args;
    const text = name === 'EVALSHA' ? this.#scripts.get(digest) : undefined;
    return text === undefined
      ? answer(copy.#server, name, args)
      : answer(copy.#server, 'EVAL', [text, ...rest]);
  }
}

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex');

function answer(server: ModelServer, name: string, args: readonly string[]): string {
  try {
    return JSON.stringify(server.execute(name, args) satisfies Reply);
  } catch (error) {
    if (error instanceof ServerError) return `error ${error.message}`;
    throw error;
  }
}

function flat(value: StoredValue): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value;
  if (value instanceof Set) return [...value].sort();
  if ('groups' in value) {
    return [...value.entries].flatMap(([id, fields]) => [id, ...fields]);
  }
  // No vector sets: the commands that are compared here have none.
  return [...(value as ReadonlyMap<string, string | number>)]
    .sort(byScore)
    .flatMap(([name, each]) => [name, typeof each === 'number' ? printScore(each) : each]);
}

/** As a sorted set is in order; a hash has none. */
const byScore = (
  [a, low]: readonly [string, string | number],
  [b, high]: readonly [string, string | number],
): number => (typeof low === 'number' && typeof high === 'number' ? low - high || (a < b ? -1 : 1) : 0);

/** Fields in the order of their names; Redis keeps none. */
const pairs = (value: readonly string[]): readonly string[] =>
  value.flatMap((field, place) => (place % 2 === 0 ? [`${field} ${value[place + 1]}`] : [])).sort();

const NUMBER = /-?\d+(?:\.\d+)?/g;

/** Whether two texts differ from the third in numbers only, between which its own lie, give or take `slack`. */
function liesBetween(text: string, one: string, other: string, slack = 2): boolean {
  const shape = (value: string): string => value.replace(NUMBER, '#');
  if (shape(text) !== shape(one) || shape(text) !== shape(other)) return false;
  const numbers = (value: string): number[] => (value.match(NUMBER) ?? []).map(Number);
  const [lows, highs] = [numbers(one), numbers(other)];
  return numbers(text).every((number, place) => {
    const [a = 0, b = 0] = [lows[place], highs[place]];
    // What looks like a time may be one that was noted earlier.
    const more = Math.abs(number) > 1e14 ? BLUR * 1_000 : slack;
    return number >= Math.min(a, b) - more && number <= Math.max(a, b) + more;
  });
}
