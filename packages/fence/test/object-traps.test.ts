/** The guard for objects where stores and networks play tricks: a real client of S3 over real HTTP, and files. */
import { S3Client } from '@aws-sdk/client-s3';
import {
  BusyError,
  IssuerMismatchError,
  MisuseError,
  StaleTokenError,
  UnavailableError,
} from '@holdfast/fence';
import {
  conformance,
  createObjectGuard,
  type ObjectGuard,
  type ObjectGuardOptions,
  type ObjectStore,
  type ObjectWrite,
  s3Store,
} from '@holdfast/fence/object-store';
import { describe, expect, it } from 'vitest';
import { holder } from './holder.js';
import { type Enforcement, S3Server } from './s3-server.js';

interface Bench extends AsyncDisposable {
  readonly server: S3Server;
  readonly store: ReturnType<typeof s3Store>;
  guard(options?: Partial<ObjectGuardOptions>): ObjectGuard;
  /** What a program without a guard sees of the object. */
  raw(key: string): { text: string; headers: Record<string, string> } | undefined;
}

async function openBench(): Promise<Bench> {
  const server = await S3Server.start();
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'secret' },
  });
  const store = s3Store({ client, bucket: 'bucket' });
  return {
    server,
    store,
    guard: (options = {}) => createObjectGuard({ store, conforms: true, ...options }),
    raw(key) {
      const entry = server.objects.get(`/bucket/${key}`);
      return entry && { text: String(entry.body), headers: entry.headers };
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

const KEY = 'totals.json';
const PATH = `/bucket/${KEY}`;
const totals = (token: number) => holder(KEY, token);
const text = (content: Buffer | undefined): string | undefined => content && String(content);

describe('an object of the guard', () => {
  it('is handed over although its earlier holder writes meanwhile, who is shut out', async () => {
    await using bench = await openBench();
    const runaway = await bench.guard().seal(totals(5));
    await runaway.write('5');
    let writes = 2;
    const store: ObjectStore = {
      name: bench.store.name,
      put: (...args) => bench.store.put(...args),
      remove: (...args) => bench.store.remove(...args),
      async get(key, signal) {
        const object = await bench.store.get(key, signal);
        if (writes > 0) await runaway.write(`late ${writes--}`);
        return object;
      },
    };
    const next = await bench.guard({ store }).transfer(KEY, { ...totals(1), issuer: 'queue:q' });
    expect(writes).toBe(0);
    await expect(runaway.write('6')).rejects.toThrow(IssuerMismatchError);
    expect(text(await next.read())).toBe('late 1');
  });

  it('says that its earlier holder writes all the time, where that holds up the transfer', async () => {
    await using bench = await openBench();
    const runaway = await bench.guard().seal(totals(5));
    await runaway.write('5');
    const beaten: ObjectStore = {
      name: bench.store.name,
      put: (...args) => bench.store.put(...args),
      remove: (...args) => bench.store.remove(...args),
      async get(key, signal) {
        const object = await bench.store.get(key, signal);
        await runaway.write('late');
        return object;
      },
    };
    const next = { ...totals(1), issuer: 'queue:q' };
    const transfer = bench.guard({ store: beaten, callTimeout: 2_000 }).transfer(KEY, next);
    await expect(transfer).rejects.toThrow(BusyError);
    await expect(transfer).rejects.toThrow(/was written to \d+ times .*Let its holder stop/);
    await bench.guard().transfer(KEY, next);
    await expect(runaway.write('6')).rejects.toThrow(IssuerMismatchError);
  });

  it('is absent when it was sealed and not written, and when it was deleted, with its mark kept', async () => {
    await using bench = await openBench();
    const guard = bench.guard();
    const sealed = await guard.seal(totals(5));
    expect(await sealed.read()).toBeUndefined();
    expect(bench.raw(KEY)?.headers).toMatchObject({
      'x-amz-meta-holdfast-token': '5',
      'x-amz-meta-holdfast-state': 'empty',
    });
    await sealed.write('');
    expect(text(await guard.read(KEY))).toBe('');
    await sealed.write({ body: undefined });
    expect(await sealed.read()).toBeUndefined();
    expect(await guard.read(KEY)).toBeUndefined();
    await expect(guard.seal(totals(4))).rejects.toMatchObject({ offered: 4, seen: 5 });
    expect(await guard.read('never')).toBeUndefined();
  });

  it('is JSON for a reader without a guard, and keeps its headers and content when it is sealed', async () => {
    await using bench = await openBench();
    const own = {
      'content-type': 'application/json',
      'cache-control': 'no-cache',
      'x-amz-meta-team': 'blue',
    };
    bench.server.putPast(PATH, '{"sum":1}', own, '"0a-7"');
    const guard = bench.guard();
    const first = await guard.seal(totals(1));
    expect(text(await first.read())).toBe('{"sum":1}');
    expect(bench.raw(KEY)?.headers).toMatchObject(own);
    await first.write({ body: new TextEncoder().encode('{"sum":2}'), contentType: 'application/json' });
    const etag = bench.server.objects.get(PATH)?.etag;
    const second = await guard.seal(totals(2));
    expect(bench.server.objects.get(PATH)?.etag).not.toBe(etag);
    expect(JSON.parse(bench.raw(KEY)?.text ?? '')).toEqual({ sum: 2 });
    expect(bench.raw(KEY)?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(text(await second.read())).toBe('{"sum":2}');
    await expect(first.read()).rejects.toThrow(StaleTokenError);
  });

  it('is sealed again without a put by the same holder, whose workers may all write', async () => {
    await using bench = await openBench();
    const [one, other] = [await bench.guard().seal(totals(1)), await bench.guard().seal(totals(1))];
    expect(bench.server.received['PUT']).toBe(1);
    await Promise.all([one.write('a'), other.write('b'), one.write('c')]);
    expect(['a', 'b', 'c']).toContain(text(await other.read()));
  });
});

describe('a put whose answer says nothing', () => {
  it.each(['lost', 'dropped', '409', '409 done', '503'] as const)(
    '%s: is judged by reading',
    async (fault) => {
      await using bench = await openBench();
      bench.server.next.push(fault);
      const sealed = await bench.guard().seal(totals(1));
      expect(await sealed.read()).toBeUndefined();
      bench.server.next.push(fault);
      await sealed.write('mine');
      expect(text(await sealed.read())).toBe('mine');
      await sealed.write('again');
      expect(text(await sealed.read())).toBe('again');
    },
  );

  it('is known for ours under a later seal too, and lets us write no more', async () => {
    await using bench = await openBench();
    const sealed = await bench.guard().seal(totals(1));
    const later = bench.guard();
    bench.server.next.push('lost');
    bench.server.afterPut = async () => {
      bench.server.afterPut = () => {};
      await later.seal(totals(2));
    };
    await sealed.write('mine'); // carried out before the later holder sealed, who reads it
    expect(text(await (await later.seal(totals(2))).read())).toBe('mine');
    await expect(sealed.write('too late')).rejects.toThrow(StaleTokenError);
    expect(text(await later.read(KEY))).toBe('mine');
  });

  it.each(['lost', '409 done'] as const)('%s: is in doubt once a later holder has written', async (fault) => {
    await using bench = await openBench();
    const sealed = await bench.guard().seal(totals(1));
    const later = bench.guard();
    bench.server.next.push(fault);
    bench.server.afterPut = async () => {
      bench.server.afterPut = () => {};
      await (await later.seal(totals(2))).write('theirs');
    };
    const error = await sealed.write('mine').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StaleTokenError);
    expect(error).toMatchObject({ offered: 1, seen: 2 });
    expect(String(error)).toContain('an earlier attempt of this write may have been carried out');
    const plain = await sealed.write('mine').catch((reason: unknown) => reason);
    expect(String(plain)).not.toContain('earlier attempt');
    expect(text(await later.read(KEY))).toBe('theirs');
  });

  it('is not known when the store is silent; the same call may be repeated', async () => {
    await using bench = await openBench();
    const sealed = await bench.guard({ callTimeout: 1_000 }).seal(totals(1));
    bench.server.next.push('silent');
    const error = await sealed.write('mine').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(String(error)).toMatch(
      /may be repeated under the same token\.\n {2}s3:\/\/bucket\/: did not answer within/,
    );
    await sealed.write('mine');
    expect(text(await sealed.read())).toBe('mine');
  });

  it('is not known when the network is broken for longer than the client tries', async () => {
    await using bench = await openBench();
    const sealed = await bench.guard().seal(totals(1));
    bench.server.next.push('lost', 'dropped', 'dropped');
    const error = await sealed.write('mine').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).cause).toBeInstanceOf(Error);
    expect(String((error as Error).stack)).not.toContain('secret');
    await sealed.write('mine');
    expect(text(await sealed.read())).toBe('mine');
  });
});

describe('a mark that is lost', () => {
  it.each([
    ['deleted', (server: S3Server) => server.deletePast(PATH)],
    ['replaced', (server: S3Server) => server.putPast(PATH, 'past')],
  ])('because the object was %s past the guard, stops its holder', async (_, lose) => {
    await using bench = await openBench();
    const sealed = await bench.guard().seal(totals(7));
    lose(bench.server);
    const before = bench.raw(KEY);
    for (const call of [() => sealed.write('mine'), () => sealed.read()]) {
      await expect(call()).rejects.toThrow(MisuseError);
      await expect(call()).rejects.toThrow(/was 7 and is lost: .*past the guard/);
    }
    expect(bench.raw(KEY)).toEqual(before);
    await bench.guard().seal(totals(3)); // a lower token, which the guard cannot know to be one
    await expect(sealed.write('mine')).rejects.toThrow(/is lost/);
  });

  it('while it is being raised, is not taken for a new object', async () => {
    await using bench = await openBench();
    await bench.guard().seal(totals(7));
    bench.server.next.push('gone');
    await expect(bench.guard().seal(totals(8))).rejects.toThrow(/was 7 and is lost/);
    expect(bench.raw(KEY)).toBeUndefined();
  });

  it('with a delete marker, is told also to a holder who has never seen it', async () => {
    await using bench = await openBench();
    bench.server.versioned = true;
    await bench.guard().seal(totals(7));
    bench.server.deletePast(PATH);
    await expect(bench.guard().seal(totals(3))).rejects.toThrow(MisuseError);
    await expect(bench.guard().seal(totals(3))).rejects.toThrow(/deleted past the guard.*delete marker/);
  });

  it.each([
    ['another body', (body: string) => `${body} `, {}],
    ['another token', (body: string) => body, { 'x-amz-meta-holdfast-token': '3' }],
    ['a token that is none', (body: string) => body, { 'x-amz-meta-holdfast-token': 'x' }],
    ['a part of the metadata', (body: string) => body, { 'x-amz-meta-holdfast-write': '' }],
  ])('under %s, is told', async (_, body, headers) => {
    await using bench = await openBench();
    await (await bench.guard().seal(totals(7))).write('mine');
    const { text: own = '', headers: kept } = bench.raw(KEY) ?? {};
    bench.server.putPast(PATH, body(own), { ...kept, ...headers });
    await expect(bench.guard().seal(totals(8))).rejects.toThrow(MisuseError);
    await expect(bench.guard().seal(totals(8))).rejects.toThrow(/changed past the guard/);
  });
});

describe('the probe', () => {
  it('passes a store that enforces conditions, once, and leaves nothing behind', async () => {
    await using bench = await openBench();
    const report = await conformance(bench.store);
    expect(report).toMatchObject({ store: 's3://bucket/', enforced: true });
    expect(report.checks).toHaveLength(8);
    expect(report.checks.every(({ passed, detail }) => passed && detail === '')).toBe(true);
    expect(bench.server.objects.size).toBe(0);
    const puts = bench.server.received['PUT'] ?? 0;
    await bench.guard({ conforms: false }).seal(totals(1));
    expect(bench.server.received['PUT']).toBe(puts + 1);
  });

  it.each<[Enforcement, string[]]>([
    [
      'ignores If-Match',
      [
        'refuses a put with another ETag',
        'refuses a put with an ETag where there is no object',
        'lets one of several puts on one ETag win',
      ],
    ],
    ['ignores If-None-Match', ['creates an object only if there is none']],
    ['looks, then leaps', ['lets one of several puts on one ETag win']],
    ['drops metadata', ['gives the content, the mark and its headers back']],
    ['ETags without content', ['changes the ETag with the mark', 'lets one of several puts on one ETag win']],
    ['reads of yesterday', ['shows a put to the next read']],
  ])('fails a store that %s, and the guard refuses it', async (enforcement, failing) => {
    await using bench = await openBench();
    bench.server.enforcement = enforcement;
    const { enforced, checks } = await conformance(bench.store);
    expect(enforced).toBe(false);
    const failed = checks.filter(({ passed }) => !passed);
    expect(failed.map(({ name }) => name)).toEqual(expect.arrayContaining(failing));
    expect(failed.every(({ detail }) => detail !== '')).toBe(true);
    expect(bench.server.objects.size).toBe(0);
    const refused = bench.guard({ conforms: false }).seal(totals(1));
    await expect(refused).rejects.toThrow(MisuseError);
    await expect(refused).rejects.toThrow(failing[0]);
    expect(bench.raw(KEY)).toBeUndefined();
  });

  it('runs once for calls that start together, and again after the store was away', async () => {
    await using bench = await openBench();
    const guard = bench.guard({ conforms: false });
    bench.server.away = true;
    await expect(guard.seal(totals(1))).rejects.toThrow(UnavailableError);
    bench.server.away = false;
    await Promise.all([guard.seal(totals(1)), guard.read(KEY), guard.read('other')]);
    const probed = bench.server.received['PUT'];
    await bench.guard({ conforms: false }).read(KEY);
    expect(bench.server.received['PUT']).toBe(probed);
    expect(bench.server.objects.size).toBe(1);
  });
});

describe('a mistake', () => {
  it.each([
    ['403', /status 403: AccessDenied/],
    ['501', /status 501: NotImplemented/],
  ] as const)('that the store answers with %s is told, and not repeated', async (fault, message) => {
    await using bench = await openBench();
    bench.server.next.push(fault);
    const refused = bench.guard().seal(totals(1));
    await expect(refused).rejects.toThrow(MisuseError);
    await expect(refused).rejects.toThrow(message);
    expect(bench.server.received['PUT']).toBe(1);
  });

  it('in the bucket or the key is told', async () => {
    await using bench = await openBench();
    const client = { send: () => Promise.reject(new Error('unused')) };
    const nowhere = new S3Client({
      endpoint: bench.server.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'secret' },
    });
    const store = s3Store({ client: nowhere, bucket: 'nowhere' });
    await expect(createObjectGuard({ store }).read(KEY)).rejects.toThrow(/NoSuchBucket/);
    nowhere.destroy();
    for (const key of ['../x', 'a/./b', '\ud800']) {
      await expect(bench.guard().seal(holder(key, 1))).rejects.toThrow(MisuseError);
    }
    expect(() => s3Store({ client: {} as never, bucket: 'b' })).toThrow(/S3Client/);
    expect(() => s3Store({ client, bucket: '' })).toThrow(/bucket/);
    expect(() => s3Store({ client, bucket: 'b', prefx: 'x' } as never)).toThrow(/"prefx"/);
    expect(() => createObjectGuard({ store: {} as never })).toThrow(/directoryStore/);
    expect(() => createObjectGuard({ store, callTimeout: 0 })).toThrow(/callTimeout/);
  });

  it.each([
    [null, /or \{ body, contentType \}/],
    [7, /got 7/],
    [{ contentType: 'text/plain' }, /body/],
    [{ body: 7 }, /got 7/],
    [{ body: 'x', type: 'y' }, /"type"/],
    [{ body: 'x', contentType: 'a\nb' }, /contentType/],
  ])('in a write is told before anything is sent: %j', async (write, message) => {
    await using bench = await openBench();
    const sealed = await bench.guard().seal(totals(1));
    const puts = bench.server.received['PUT'];
    await expect(sealed.write(write as ObjectWrite)).rejects.toThrow(message);
    await expect(sealed.write(write as ObjectWrite)).rejects.toThrow(MisuseError);
    expect(bench.server.received['PUT']).toBe(puts);
  });
});
