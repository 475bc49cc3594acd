import { createHash } from 'node:crypto';
import { compile } from '../lua/compile.js';
import { L, Table } from '../lua/runtime.js';

// biome-ignore-all lint/suspicious/noExplicitAny: stopgap
export type Reply = string | number | null | readonly Reply[];

export class ServerError extends Error {}

type Value =
  | { type: 'string'; value: string; expires: number | undefined }
  | { type: 'hash'; value: Map<string, string>; expires: number | undefined }
  | { type: 'zset'; value: Map<string, number>; expires: number | undefined };

export interface Snapshot {
  readonly data: Map<string, Value>;
  readonly libraries: readonly string[];
}

export interface ServerOptions {
  readonly time: () => number;
  readonly name: () => string;
  readonly publish: (channel: string, message: string) => number;
  readonly listening?: (channel: string) => number;
}

const chunks = new Map<string, ReturnType<typeof compile>>();
const compiled = (text: string) => {
  let c = chunks.get(text);
  if (!c) chunks.set(text, (c = compile(text)));
  return c;
};
const sha = new Map<string, string>();
const sha1 = (text: string): string => {
  let d = sha.get(text);
  if (!d) sha.set(text, (d = createHash('sha1').update(text).digest('hex')));
  return d;
};
const WRONG = 'WRONGTYPE Operation against a key holding the wrong kind of value';

export class ModelServer {
  runId: string;
  replicationId: string;
  readonly #o: ServerOptions;
  #data = new Map<string, Value>();
  #scripts = new Map<string, string>();
  #libraries = new Map<string, string>();
  #functions = new Map<string, (k: Table, a: Table) => any>();
  #now: number | undefined;
  readonly #redis: any;

  constructor(o: ServerOptions) {
    this.#o = o;
    this.runId = o.name();
    this.replicationId = o.name();
    const args = (values: any[]): string[] =>
      values.map((v) =>
        typeof v === 'number'
          ? Number.isInteger(v) && Math.abs(v) < 1e15
            ? String(v)
            : fmt17(v)
          : v === undefined
            ? fail('Lua redis lib command arguments must be strings or integers')
            : v,
      );
    this.#redis = {
      call: (name: string, ...rest: any[]) => [toLua(this.#command(name.toUpperCase(), args(rest)))],
      pcall: (name: string, ...rest: any[]) => {
        try {
          return [toLua(this.#command(name.toUpperCase(), args(rest)))];
        } catch (error) {
          const t = new Table();
          t.set('err', (error as Error).message);
          return [t];
        }
      },
      register_function: (name: string, f: any) => {
        this.#functions.set(name, f);
        return [];
      },
    };
  }

  execute(command: string, args: readonly string[]): Reply {
    this.#now = this.#o.time();
    try {
      return this.#command(command.toUpperCase(), args);
    } catch (error) {
      if (error instanceof ServerError) throw error;
      throw new ServerError(`ERR ${(error as Error).message}`);
    } finally {
      this.#now = undefined;
    }
  }

  snapshot(): Snapshot {
    const data = new Map<string, Value>();
    for (const [key, v] of this.#data)
      data.set(key, v.type === 'string' ? { ...v } : ({ ...v, value: new Map(v.value as any) } as Value));
    return { data, libraries: [...this.#libraries.values()] };
  }

  restart(from?: Snapshot): void {
    this.runId = this.#o.name();
    this.replicationId = this.#o.name();
    this.#scripts.clear();
    this.#libraries.clear();
    this.#functions.clear();
    this.#data = new Map();
    if (!from) return;
    for (const [key, v] of from.data)
      this.#data.set(
        key,
        v.type === 'string' ? { ...v } : ({ ...v, value: new Map(v.value as any) } as Value),
      );
    for (const text of from.libraries) this.#load(text);
  }

  dump(): Record<string, { type: string; value: unknown; expires: number | undefined }> {
    this.#now = this.#o.time();
    const out: Record<string, any> = {};
    for (const key of [...this.#data.keys()].sort()) {
      const v = this.#get(key);
      if (v) out[key] = { type: v.type, value: v.value, expires: v.expires };
    }
    this.#now = undefined;
    return out;
  }

  #ms(): number {
    return Math.floor((this.#now as number) / 1000);
  }
  #get(key: string): Value | undefined {
    const v = this.#data.get(key);
    if (v?.expires !== undefined && this.#ms() > v.expires) {
      this.#data.delete(key);
      return undefined;
    }
    return v;
  }
  #typed<T extends Value['type']>(key: string, type: T): (Value & { type: T }) | undefined {
    const v = this.#get(key);
    if (v && v.type !== type) throw new ServerError(WRONG);
    return v as never;
  }
  #load(text: string): string {
    const name = /^#!lua name=(\S+)/.exec(text)?.[1] ?? '';
    if (this.#libraries.has(name)) throw new ServerError(`ERR Library '${name}' already exists`);
    this.#libraries.set(name, text);
    compiled(text)(L, this.#redis, undefined, undefined);
    return name;
  }
  #script(text: string, args: readonly string[]): Reply {
    const [k, a] = tables(args);
    return fromLua((compiled(text)(L, this.#redis, k, a) as any)?.[0]);
  }

  #command(name: string, a: readonly string[]): Reply {
    const [key = '', second = ''] = a;
    switch (name) {
      case 'PING':
        return 'PONG';
      case 'TIME': {
        const t = this.#now as number;
        return [String(Math.floor(t / 1e6)), String(t % 1e6)];
      }
      case 'INFO':
        return `# Server\r\nredis_version:7.0.15\r\nrun_id:${this.runId}\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_replid:${this.replicationId}\r\nmaxmemory_policy:noeviction\r\n`;
      case 'EVAL':
        this.#scripts.set(sha1(key), key);
        return this.#script(key, a.slice(1));
      case 'EVALSHA': {
        const text = this.#scripts.get(key);
        if (text === undefined) throw new ServerError('NOSCRIPT No matching script. Please use EVAL.');
        return this.#script(text, a.slice(1));
      }
      case 'SCRIPT':
        this.#scripts.set(sha1(second), second);
        return sha1(second);
      case 'FUNCTION':
        return this.#load(second);
      case 'FCALL': {
        const f = this.#functions.get(key);
        if (!f) throw new ServerError('ERR Function not found');
        const [k, v] = tables(a.slice(1));
        return fromLua(f(k, v)?.[0]);
      }
      case 'FLUSHALL':
        this.#data.clear();
        return 'OK';
      case 'GET':
        return this.#typed(key, 'string')?.value ?? null;
      case 'MGET':
        return a.map((k) => {
          const v = this.#get(k);
          return v?.type === 'string' ? v.value : null;
        });
      case 'SET':
        return this.#set(a);
      case 'DEL': {
        let n = 0;
        for (const k of a)
          if (this.#get(k)) {
            this.#data.delete(k);
            n += 1;
          }
        return n;
      }
      case 'PTTL': {
        const v = this.#get(key);
        return v ? (v.expires === undefined ? -1 : v.expires - this.#ms()) : -2;
      }
      case 'PEXPIRE': {
        const v = this.#get(key);
        if (!v) return 0;
        const at = this.#ms() + int(second);
        if (at <= this.#ms()) this.#data.delete(key);
        else v.expires = at;
        return 1;
      }
      case 'HSET': {
        const h =
          this.#typed(key, 'hash') ?? this.#put(key, { type: 'hash', value: new Map(), expires: undefined });
        let n = 0;
        for (let i = 1; i < a.length; i += 2) {
          if (!h.value.has(a[i] as string)) n += 1;
          h.value.set(a[i] as string, a[i + 1] as string);
        }
        return n;
      }
      case 'HMGET': {
        const h = this.#typed(key, 'hash');
        return a.slice(1).map((f) => h?.value.get(f) ?? null);
      }
      case 'HDEL': {
        const h = this.#typed(key, 'hash');
        let n = 0;
        for (const f of a.slice(1)) if (h?.value.delete(f)) n += 1;
        if (h?.value.size === 0) this.#data.delete(key);
        return n;
      }
      case 'ZADD': {
        const nx = second === 'NX';
        const z =
          this.#typed(key, 'zset') ?? this.#put(key, { type: 'zset', value: new Map(), expires: undefined });
        const gt = second === 'GT';
        const [score, member] = nx || gt ? [a[2], a[3]] : [a[1], a[2]];
        if (z.value.has(member as string)) {
          if (!nx && (!gt || Number(score) > (z.value.get(member as string) ?? 0)))
            z.value.set(member as string, Number(score));
          return 0;
        }
        z.value.set(member as string, Number(score));
        return 1;
      }
      case 'ZREM': {
        const z = this.#typed(key, 'zset');
        let n = 0;
        for (const m of a.slice(1)) if (z?.value.delete(m)) n += 1;
        if (z?.value.size === 0) this.#data.delete(key);
        return n;
      }
      case 'ZCARD':
        return this.#typed(key, 'zset')?.value.size ?? 0;
      case 'ZPOPMIN': {
        const [first] = this.#sorted(key);
        if (!first) return [];
        this.#command('ZREM', [key, first[0]]);
        return [first[0], fmt17(first[1])];
      }
      case 'ZRANGE':
        return this.#zrange(a);
      case 'ZREMRANGEBYSCORE': {
        let n = 0;
        for (const [m, s] of this.#sorted(key))
          if (s <= Number(a[2])) {
            this.#command('ZREM', [key, m]);
            n += 1;
          }
        return n;
      }
      case 'PUBLISH':
        return this.#o.publish(key, second);
      case 'PUBSUB':
        return [second, this.#o.listening?.(second) ?? 0];
      default:
        throw new ServerError(`ERR unknown command '${name}'`);
    }
  }
  #put<T extends Value>(key: string, v: T): T {
    this.#data.set(key, v);
    return v;
  }
  #set(a: readonly string[]): Reply {
    const [key = '', value = ''] = a;
    let expires: number | undefined;
    for (let i = 2; i < a.length; i += 1) {
      const option = (a[i] as string).toUpperCase();
      if (option === 'PX') {
        const ttl = int(a[i + 1] as string);
        if (ttl <= 0) throw new ServerError("ERR invalid expire time in 'set' command");
        expires = this.#ms() + ttl;
        i += 1;
      } else if (option === 'KEEPTTL') expires = this.#get(key)?.expires;
      else throw new ServerError('ERR syntax error');
    }
    this.#data.set(key, { type: 'string', value, expires });
    return 'OK';
  }
  #sorted(key: string): [string, number][] {
    const z = this.#typed(key, 'zset');
    return z ? [...z.value].sort(([m, s], [n, t]) => s - t || (m < n ? -1 : 1)) : [];
  }
  #zrange(a: readonly string[]): Reply {
    const [key = '', from = '', to = '', ...more] = a;
    let all = this.#sorted(key);
    if (more.includes('BYSCORE')) {
      const open = from.startsWith('(');
      const low = Number(from.replace('(', ''));
      const high = to === '+inf' ? Infinity : Number(to);
      all = all.filter(([, s]) => (open ? s > low : s >= low) && s <= high);
    } else {
      const n = all.length;
      const i = int(from) < 0 ? Math.max(0, n + int(from)) : int(from);
      const j = int(to) < 0 ? n + int(to) : int(to);
      all = all.slice(i, j + 1);
    }
    return more.includes('WITHSCORES') ? all.flatMap(([m, s]) => [m, fmt17(s)]) : all.map(([m]) => m);
  }
}

function fmt17(n: number): string {
  return Number.isInteger(n) && Math.abs(n) < 1e17
    ? String(n)
    : String(n).replace(/e\+?/, 'e+').replace('e+-', 'e-');
}
function int(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new ServerError('ERR value is not an integer or out of range');
  return Number(text);
}
function fail(message: string): never {
  throw new Error(message);
}
function tables(args: readonly string[]): [Table, Table] {
  const n = Number(args[0]);
  const k = new Table();
  k.arr = args.slice(1, 1 + n);
  const v = new Table();
  v.arr = args.slice(1 + n);
  return [k, v];
}
function toLua(r: Reply): any {
  if (r === null) return false;
  if (Array.isArray(r)) {
    const t = new Table();
    t.arr = r.map(toLua);
    return t;
  }
  if (r === 'OK') {
    const t = new Table();
    t.set('ok', 'OK');
    return t;
  }
  return r;
}
function fromLua(v: any): Reply {
  if (v === undefined || v === false) return null;
  if (v === true) return 1;
  if (typeof v === 'number') return Math.trunc(v);
  if (typeof v === 'string') return v;
  if (v instanceof Table) {
    const err = v.get('err');
    if (err !== undefined) throw new ServerError(err);
    const ok = v.get('ok');
    if (ok !== undefined) return ok;
    const out: Reply[] = [];
    for (const each of v.arr) {
      if (each === undefined) break;
      out.push(fromLua(each));
    }
    return out;
  }
  throw new Error('reply');
}
