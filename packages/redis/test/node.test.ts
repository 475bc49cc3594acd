/** Group commit, order, repetition and silence of a node, on a real Redis, with both client libraries. */
import { systemClock } from '@holdfast/kernel';
import { type LocalNode, startNodes } from '@holdfast/local';
import {
  type Connection,
  connect,
  type Operation,
  RedisNode,
  type Reply,
  Script,
  ScriptLibrary,
  type Verb,
} from '@holdfast/redis';
import { openNodeRedis } from '@holdfast/redis/node-redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAddress } from '../src/address.js';

/** Appends the operation's subject to a list, and answers with the list's length. */
class Append implements Operation<number> {
  readonly subject: string;
  abandoned = false;
  readonly outcome: Promise<number>;
  settle: (length: number) => void = () => {};
  fail: (reason: string, sent: boolean) => void = () => {};

  constructor(subject: string) {
    this.subject = subject;
    this.outcome = new Promise((resolve, reject) => {
      this.settle = resolve;
      this.fail = (reason, sent) => reject(new Error(`${reason} (sent: ${sent})`));
    });
    this.outcome.catch(() => {});
  }
}

const appendTo = (list: string, text = ''): Verb<Append, number> => ({
  script: new Script(
    `${text}
    local reply = {'appended'}
    for i, value in ipairs(ARGV) do reply[i + 1] = redis.call('RPUSH', KEYS[1], value) end
    return reply`,
  ),
  keys: [list],
  encode: ({ subject }, _, args) => void args.push(subject),
  decode: (reply: Reply) => (reply as [string, ...number[]]).slice(1) as number[],
});

let nodes: Awaited<ReturnType<typeof startNodes>>;
let server: LocalNode;
let redis: Redis;
beforeAll(async () => {
  nodes = await startNodes(1);
  server = nodes.nodes[0] as LocalNode;
  redis = new Redis(server.url, { retryStrategy: () => 20 });
  redis.on('error', () => {});
});
afterAll(async () => {
  redis.disconnect();
  await nodes.stop();
});

/** A node over a connection that notes what is sent. */
async function open(connection: Connection = connect(server.url)) {
  const sent: string[] = [];
  const noting: Connection = {
    address: connection.address,
    get unready() {
      return connection.unready;
    },
    open: () => connection.open(),
    send(command, args) {
      sent.push(command);
      return connection.send(command, args);
    },
    sendBinary(command, args) {
      sent.push(command);
      return connection.sendBinary(command, args);
    },
    listen: (channel, listener) => connection.listen(channel, listener),
    restart() {
      sent.push('(restart)');
      connection.restart();
    },
    close: () => connection.close(),
  };
  const node = new RedisNode(noting, { patience: 100 });
  await node.open();
  return { node, sent, [Symbol.dispose]: () => node.close() };
}

const libraries = {
  ioredis: () => connect(server.url),
  'node-redis': () => openNodeRedis(parseAddress(server.url)),
};

describe.each(Object.entries(libraries))('over %s', (library, connection) => {
  it('operations of one turn travel in one call, those of another verb in another', async () => {
    using opened = await open(connection());
    const [one, two] = [appendTo(`one-${library}`), appendTo(`two-${library}`)];
    await opened.node.load([one.script]);
    opened.sent.length = 0;
    const ones = ['a', 'b', 'c'].map((name) => new Append(name));
    const other = new Append('d');
    for (const operation of ones) opened.node.submit(one, operation);
    opened.node.submit(two, other);
    expect(opened.sent).toEqual([]);
    await Promise.resolve();
    expect(opened.sent).toEqual(['EVALSHA', 'EVALSHA']);
    expect(await Promise.all([...ones, other].map(({ outcome }) => outcome))).toEqual([1, 2, 3, 1]);
  });

  it('operations on one subject keep their order, across verbs', async () => {
    using opened = await open(connection());
    const list = `order-${library}`;
    const [one, two] = [appendTo(list), appendTo(list, '-- another verb')];
    await opened.node.load([one.script]);
    await opened.node.load([two.script]);
    const operations = Array.from({ length: 20 }, () => new Append('same'));
    const lengths = operations.map((operation, index) => {
      opened.node.submit(index % 3 === 0 ? two : one, operation);
      return operation.outcome;
    });
    expect(await Promise.all(lengths)).toEqual(operations.map((_, index) => index + 1));
  });

  it('more than a call may hold is split, and every operation gets its own result', async () => {
    using opened = await open(connection());
    const verb = appendTo(`many-${library}`);
    await opened.node.load([verb.script]);
    opened.sent.length = 0;
    const operations = Array.from({ length: 300 }, (_, index) => new Append(`${index}`));
    for (const operation of operations) opened.node.submit(verb, operation);
    const results = await Promise.all(operations.map(({ outcome }) => outcome));
    expect(results).toEqual(operations.map((_, index) => index + 1));
    expect(opened.sent).toEqual(['EVALSHA', 'EVALSHA', 'EVALSHA']);
  });

  it('a script that the server does not know is sent whole, but not for those who gave up', async () => {
    using opened = await open(connection());
    const verb = appendTo(`unknown-${library}`, `-- ${Math.random()}`);
    const [wanted, abandoned] = [new Append('wanted'), new Append('abandoned')];
    opened.node.submit(verb, wanted);
    opened.node.submit(verb, abandoned);
    abandoned.abandoned = true;
    expect(await wanted.outcome).toBe(1);
    expect(opened.sent).toEqual(['EVALSHA', 'EVAL']);
    expect(await redis.lrange(`unknown-${library}`, 0, -1)).toEqual(['wanted']);
  });

  it('scripts that the server forgot are loaded again, also when nobody waits for an operation', async () => {
    using opened = await open(connection());
    const verb = appendTo(`forgotten-${library}`, '-- forgotten');
    await opened.node.load([verb.script]);
    await redis.script('FLUSH');
    const abandoned = new Append('abandoned');
    opened.node.submit(verb, abandoned);
    abandoned.abandoned = true;
    await vi.waitFor(
      async () => expect(await redis.script('EXISTS', verb.script.digest)).toEqual([1]),
      20_000,
    );
  });

  it('scripts of a library run as its functions, and as scripts where the server has no such library', async () => {
    using opened = await open(connection());
    const counting = new ScriptLibrary(
      {
        count:
          "CALLS = (CALLS or 0) + 1\nlocal reply = {'counted'}\nfor i in ipairs(ARGV) do reply[i + 1] = CALLS end\nreturn reply",
      },
      { prelude: 'local CALLS' },
    );
    const script = counting.scripts.get('count') as Script;
    const verb = { ...appendTo('unused'), script };
    const count = async (): Promise<number> => {
      const operation = new Append('x');
      opened.node.submit(verb, operation);
      return operation.outcome;
    };
    expect(await count()).toBe(1); // a script: its locals live for one call
    await opened.node.load([script]);
    const first = await count();
    expect(await count()).toBe(first + 1); // a function: its locals live as long as the server
    await redis.call('FUNCTION', 'DELETE', counting.name);
    expect(await count()).toBe(1);
    await vi.waitFor(async () => {
      const again = await count();
      expect(await count()).toBe(again + 1);
    }, 20_000);
    await redis.call('FUNCTION', 'DELETE', counting.name);
  });

  it('functions that a server refuses are scripts instead, and that is said once', async () => {
    using opened = await open(connection());
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const broken = new ScriptLibrary(
        { append: `-- ${library}\nreturn {'appended', redis.call('RPUSH', KEYS[1], ARGV[1])}` },
        { prelude: 'if redis.register_function then not_there() end' },
      );
      const script = broken.scripts.get('append') as Script;
      for (let times = 0; times < 2; times += 1) await opened.node.load([script]);
      const operation = new Append('x');
      opened.node.submit({ ...appendTo(`refused-${library}`), script }, operation);
      expect(await operation.outcome).toBe(1);
      expect(warned.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringMatching(new RegExp(`does not take the functions ${broken.name} .*not_there`)),
      ]);
    } finally {
      warned.mockRestore();
    }
  });

  it('a failing script, or a reply that is not its own, fails the operations', async () => {
    using opened = await open(connection());
    const broken = new Append('x');
    opened.node.submit(appendTo('l', "redis.call('NONSENSE')"), broken);
    await expect(broken.outcome).rejects.toThrow(/NONSENSE|[Uu]nknown.*sent: true/);
    const misread = new Append('y');
    const verb = {
      ...appendTo('l2'),
      decode: () => {
        throw new Error('not mine');
      },
    };
    opened.node.submit(verb, misread);
    await expect(misread.outcome).rejects.toThrow('not mine (sent: true)');
  });

  it('operations that cannot be encoded fail, unsent, and later ones go their way', async () => {
    using opened = await open(connection());
    const list = appendTo(`encoded-${library}`);
    const verb = {
      ...list,
      encode: () => {
        throw new Error('too long');
      },
    };
    // More than go out at once, so that the turn that sends them is one of the clock's.
    const broken = Array.from({ length: 5 }, () => new Append('x'));
    for (const each of broken) opened.node.submit(verb, each);
    for (const each of broken) await expect(each.outcome).rejects.toThrow('too long (sent: false)');
    const next = new Append('y');
    opened.node.submit(list, next);
    expect(await next.outcome).toBe(1);
  });

  it('a server that is away fails operations at once, unsent; later ones reach it again', async () => {
    using opened = await open(connection());
    const verb = appendTo(`away-${library}`);
    await server.kill();
    await vi.waitFor(() => expect(opened.node.unavailable).toBeDefined(), 20_000);
    const lost = new Append('lost');
    opened.node.submit(verb, lost);
    await expect(lost.outcome).rejects.toThrow(/sent: false/);
    await server.start();
    await vi.waitFor(() => expect(opened.node.unavailable).toBeUndefined(), 10_000);
    const next = new Append('next');
    opened.node.submit(verb, next);
    expect(await next.outcome).toBe(1);
  });
});

describe.each(Object.entries(libraries))('a connection of our own over %s', (library, connection) => {
  it('is started anew when it has not answered for ten times its patience', async () => {
    using opened = await open(connection());
    const verb = appendTo(`half-open-${library}`);
    await opened.node.load([verb.script]);
    server.freeze();
    const lost = new Append('lost');
    opened.node.submit(verb, lost);
    await vi.waitFor(() => expect(opened.sent).toContain('(restart)'), 10_000);
    await expect(lost.outcome).rejects.toThrow(/sent: true/);
    server.thaw();
    await vi.waitFor(() => expect(opened.node.unavailable).toBeUndefined(), 10_000);
    const next = new Append('next');
    opened.node.submit(verb, next);
    expect(await next.outcome).toBeGreaterThan(0);
  });
});

describe('a node that owes answers', () => {
  it('counts as silent after its patience: then only urgent operations are sent, until it answers', async () => {
    using opened = await open();
    const verb = appendTo('silent');
    await opened.node.load([verb.script]);
    server.freeze();
    const first = new Append('first');
    opened.node.submit(verb, first);
    await vi.waitFor(
      () => expect(opened.node.unavailable).toMatch(/not answered for more than 100 ms/),
      20_000,
    );
    const refused = new Append('refused');
    opened.node.submit(verb, refused);
    await expect(refused.outcome).rejects.toThrow(/sent: false/);
    const urgent = new Append('urgent');
    opened.node.submit(verb, urgent, true);
    server.thaw();
    expect(await first.outcome).toBe(1);
    expect(await urgent.outcome).toBe(2);
    expect(opened.node.unavailable).toBeUndefined();
  });

  it('is not blamed for a stall of this process', async () => {
    using opened = await open();
    const verb = appendTo('stall');
    await opened.node.load([verb.script]);
    const operation = new Append('a');
    opened.node.submit(verb, operation);
    await Promise.resolve();
    for (const began = systemClock.now(); systemClock.now() - began < 200; );
    await new Promise((resolve) =>
      systemClock.after(0, () => systemClock.afterInput(() => resolve(undefined))),
    );
    expect(await operation.outcome).toBe(1);
    expect(opened.node.unavailable).toBeUndefined();
  });
});

describe('what a server says of itself', () => {
  it('is read from INFO', async () => {
    using opened = await open();
    const info = await opened.node.info();
    expect(info.runId).toMatch(/^[0-9a-f]{40}$/);
    expect(opened.node.runId).toBe(info.runId);
    expect(info.version).toMatch(/^\d+\.\d+/);
    expect(info.maxmemoryPolicy).toBe('noeviction');
  });
});

describe('an address', () => {
  it.each([
    [
      'redis://localhost',
      { display: 'localhost:6379', host: 'localhost', port: 6379, tls: false, database: 0 },
    ],
    ['redis://[::1]:7000/2', { display: '[::1]:7000', host: '::1', port: 7000, tls: false, database: 2 }],
    [
      'rediss://a%40b:p%2Fw@h:1',
      { display: 'h:1', host: 'h', port: 1, tls: true, database: 0, username: 'a@b', password: 'p/w' },
    ],
    [
      'unix:/run/redis.sock',
      { display: '/run/redis.sock', path: '/run/redis.sock', tls: false, database: 0 },
    ],
    [
      'unix:/run/r.sock?db=3&user=u&password=p%2Fw',
      {
        display: '/run/r.sock',
        path: '/run/r.sock',
        tls: false,
        database: 3,
        username: 'u',
        password: 'p/w',
      },
    ],
  ])('%s is taken apart', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });
});
