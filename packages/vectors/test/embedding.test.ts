/** Documents that are put with a text only: tasks, workers that are slow, paused or repeated, and tasks that are lost. */
import { AbortedError, MisuseError } from '@holdfast/kernel';
import { createEmbedder, type EmbeddingTask } from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';
import { client, holderOf, idsOf, server, useRedis } from './setting.js';

useRedis();

/** A queue whose tasks are delivered when a test wants it; while a task is there, adding it again does nothing. */
function listQueue() {
  const tasks = new Map<string, EmbeddingTask>();
  let isDown = false;
  return {
    tasks,
    add: async (data: EmbeddingTask, { id }: { readonly id: string }) => {
      if (isDown) throw new Error('the queue is down');
      if (!tasks.has(id)) tasks.set(id, data);
    },
    take: () => {
      const all = [...tasks.values()];
      tasks.clear();
      return all;
    },
    down: (value: boolean) => {
      isDown = value;
    },
  };
}

const NEVER = new AbortController().signal;
const deliver = (data: EmbeddingTask, signal = NEVER) => ({ data, signal });

function setting(options = {}) {
  const tasks = listQueue();
  const calls: string[][] = [];
  const holds = new Map<string, Promise<void>>();
  const embed = async (texts: readonly string[]) => {
    calls.push([...texts]);
    await Promise.all(texts.map((text) => holds.get(text)));
    return texts.map((text) => (text.includes('north') ? [0, 1, 0] : [1, 0, 0]));
  };
  const embedder = createEmbedder({ embed, model: 'compass', cache: 0 });
  const vectors = { dimensions: 3, embedder, ...options };
  const kb = server({ vectors, keywords: {}, tasks });
  const hold = (text: string) => {
    let release = () => {};
    holds.set(text, new Promise((resolve) => (release = resolve)));
    return release;
  };
  return { kb, tasks, calls, hold, vectors };
}

describe('a document that is put with a text only', () => {
  it('is found by its words at once, and by its meaning when its task is done', async () => {
    const { kb, tasks } = setting();
    await kb.put({ id: 'a', text: 'the north' });
    const { place } = await kb.put({ id: 'a', text: 'the north' });
    expect(tasks.tasks.size).toBe(1);
    expect(idsOf(await kb.search({ text: 'north', after: place }))).toEqual(['a']);
    expect(idsOf(await kb.search({ vector: [0, 1, 0] }))).toEqual([]);
    expect(kb.stats()).toMatchObject({ waiting: 1 });
    const [task] = tasks.take();
    expect(await kb.embedder()(deliver(task!))).toEqual({ outcome: 'written' });
    await kb.ready();
    expect((await kb.search({ text: 'north' })).hits).toMatchObject([
      { id: 'a', ranks: { keywords: 1, vectors: 1 } },
    ]);
    expect(kb.stats()).toMatchObject({ waiting: 0 });
    // A text that is put again keeps its vectors, and so does a patch.
    await kb.put({ id: 'a', text: 'the north', attributes: { n: 1 } });
    await kb.patch('a', { n: 2 });
    await kb.ready();
    expect(idsOf(await kb.search({ vector: [0, 1, 0] }))).toEqual(['a']);
  });

  it('never has the vector of another text, however slow a worker is', async () => {
    const { kb, tasks, hold } = setting();
    const release = hold('going north');
    await kb.put({ id: 'a', text: 'going north' });
    const handle = kb.embedder();
    const slow = handle(deliver(tasks.take()[0]!));
    await kb.put({ id: 'a', text: 'going east' });
    expect(await handle(deliver(tasks.take()[0]!))).toEqual({ outcome: 'written' });
    release();
    expect(await slow).toEqual({ outcome: 'newer' });
    await kb.ready();
    const { hits } = await kb.search({ vector: [1, 0, 0] });
    expect(hits).toMatchObject([{ id: 'a' }]);
    expect(hits[0]?.score).toBeGreaterThan(0.95); // that of "going north" has 0
  });

  it('is embedded once: a repeated task asks no model, and a paused worker writes nothing', async () => {
    const { kb, tasks, calls, hold } = setting();
    const release = hold('a north');
    await kb.put({ id: 'a', text: 'a north' });
    const [task] = tasks.take();
    const pause = new AbortController();
    const handle = kb.embedder();
    const paused = handle(deliver(task!, pause.signal));
    const failed = expect(paused).rejects.toThrow(AbortedError);
    await expect.poll(() => calls.length).toBe(1);
    pause.abort();
    release();
    await failed;
    await kb.ready();
    expect(kb.stats().waiting).toBe(1);
    expect(await handle(deliver(task!))).toEqual({ outcome: 'written' });
    const asked = calls.length;
    expect(await handle(deliver(task!))).toEqual({ outcome: 'there' });
    expect(calls.length).toBe(asked);
    await kb.put({ id: 'b', text: 'gone north' });
    await kb.delete('b');
    expect(await handle(deliver(tasks.take()[0]!))).toEqual({ outcome: 'gone' });
  });

  it('gets its task again if that was lost', async () => {
    const { kb, tasks } = setting();
    tasks.down(true);
    await expect(kb.put({ id: 'a', text: 'north' })).rejects.toThrow('the queue is down');
    tasks.down(false);
    await kb.put({ id: 'b', text: 'east', vector: [1, 0, 0] });
    await kb.put({ id: 'c' });
    expect(await kb.embedMissing()).toBe(1);
    expect(tasks.take()).toMatchObject([{ id: 'a' }]);
    await expect(server().embedMissing()).rejects.toThrow(/has no "tasks"/);
  });

  it('has a vector for each of its chunks, and is found by the nearest', async () => {
    const { kb, tasks } = setting({ chunk: { size: 10, overlap: 0 } });
    const text = `${'east '.repeat(10)}${'north '.repeat(10)}`;
    await kb.put({ id: 'a', text });
    await kb.embedder()(deliver(tasks.take()[0]!));
    await kb.ready();
    expect((await kb.search({ vector: [0, 1, 0] })).hits).toMatchObject([{ id: 'a', chunk: 1 }]);
  });
});

describe('a worker', () => {
  it('embeds tasks that it has at the same time together, and equal texts once', async () => {
    const { kb, tasks, calls } = setting();
    const ids = Array.from({ length: 24 }, (_, at) => `d${at}`);
    await Promise.all(ids.map((id, at) => kb.put({ id, text: `text ${at % 12}` })));
    const done = await Promise.all(tasks.take().map((task) => kb.embedder()(deliver(task))));
    expect(done).toEqual(ids.map(() => ({ outcome: 'written' })));
    expect(calls.length).toBeLessThan(6);
    expect(calls.flat().length).toBeLessThan(24);
    await kb.ready();
    expect((await kb.search({ vector: [1, 0, 0], limit: 100 })).hits).toHaveLength(24);
  });

  it('writes nothing to a generation that is no more, and refuses what is not of its index', async () => {
    const { kb, tasks, vectors } = setting();
    await kb.put({ id: 'a', text: 'north' });
    const [task] = tasks.take();
    const builder = await kb.begin({ vectors: { ...vectors, model: 'next' } }, holderOf(1));
    await builder.fill();
    await builder.cut();
    await kb.retire(task!.generation, holderOf(1));
    expect(await kb.embedder()(deliver(task!))).toEqual({ outcome: 'dropped' });
    const other = { ...task!, index: 'other' };
    await expect(kb.embedder()(deliver(other))).rejects.toThrow(/queue of its own/);
    await expect(kb.embedder()({ data: 5, signal: NEVER })).rejects.toThrow(MisuseError);
  });
});

describe('a put that waits for vectors', () => {
  it('resolves when they are found, at a place that sees them', async () => {
    const { kb, tasks } = setting();
    await kb.ready();
    let isDone = false;
    const putting = kb
      .put({ id: 'a', text: 'the north' }, { wait: 'vectors' })
      .finally(() => (isDone = true));
    await expect.poll(() => kb.stats().waiting).toBe(1);
    expect(isDone).toBe(false);
    await kb.embedder()(deliver(tasks.take()[0]!));
    const { place, outcome } = await putting;
    expect(outcome).toBe('written');
    const other = server({ vectors: { dimensions: 3 } });
    expect(idsOf(await other.search({ vector: [0, 1, 0], after: place }))).toEqual(['a']);
  });

  it('does not wait where there is nothing to make, nor for what is deleted meanwhile', async () => {
    const { kb } = setting();
    await kb.put({ id: 'a', attributes: { n: 1 } }, { wait: 'vectors' });
    await kb.put({ id: 'b', text: 'north', vector: [0, 1, 0] }, { wait: 'vectors' });
    const putting = kb.put({ id: 'c', text: 'south' }, { wait: 'vectors' });
    await expect.poll(() => kb.stats().waiting).toBe(1);
    await kb.delete('c');
    expect(await putting).toMatchObject({ outcome: 'written' });
    const late = await kb.put({ id: 'c', text: 'late' }, { time: 1, wait: 'vectors' });
    expect(late.outcome).toBe('older');
  });

  it('ends with its signal, and with the index; the document is there', async () => {
    const { kb } = setting();
    const ending = new AbortController();
    const first = kb.put({ id: 'a', text: 'north' }, { wait: 'vectors', signal: ending.signal });
    const second = kb.put({ id: 'b', text: 'south' }, { wait: 'vectors' });
    await expect.poll(() => kb.stats().waiting).toBe(2);
    ending.abort();
    await expect(first).rejects.toThrow(AbortedError);
    void kb.close();
    await expect(second).rejects.toThrow(AbortedError);
    const other = server();
    await other.ready();
    expect(other.stats().documents).toBe(2);
  });

  it('needs somebody who makes them', async () => {
    const kb = server();
    await expect(kb.put({ id: 'a', text: 'north' }, { wait: 'vectors' })).rejects.toThrow('has no "tasks"');
    await expect(kb.put({ id: 'a' }, { wait: 'words' as never })).rejects.toThrow('got "words"');
    await kb.ready();
    expect(kb.stats().documents).toBe(0);
  });
});

describe('a cache of vectors', () => {
  /** Two workers, each of which counts what it embeds. */
  function workers(options: { ttl?: number } = {}, vectors: Record<string, unknown> = {}) {
    const tasks = listQueue();
    const calls: string[] = [];
    const embed = async (texts: readonly string[]) => {
      calls.push(...texts);
      return texts.map((text) => (text.includes('north') ? [0, 1, 0] : [1, 0, 0]));
    };
    const worker = () => {
      const embedder = createEmbedder({ embed, model: 'compass', cache: 0 });
      return server({ vectors: { dimensions: 3, ...vectors, embedder }, tasks, cache: options });
    };
    const work = async (kb: ReturnType<typeof worker>) => {
      for (const task of tasks.take())
        expect(await kb.embedder()(deliver(task))).toEqual({ outcome: 'written' });
    };
    return { worker, work, calls };
  }

  it('spares what another worker has embedded, of any document', async () => {
    const { worker, work, calls } = workers();
    const [one, other] = [worker(), worker()];
    await one.put({ id: 'a', text: 'north' });
    await work(one);
    await other.put({ id: 'b', text: 'north' });
    await other.put({ id: 'c', text: 'south' });
    await work(other);
    expect(calls).toEqual(['north', 'south']);
    await other.ready();
    expect(idsOf(await other.search({ vector: [0, 1, 0], minScore: 0.9 }))).toEqual(['a', 'b']);
  });

  it('spares chunks that another text has', async () => {
    const { worker, work, calls } = workers({}, { chunk: { size: 10, overlap: 0 } });
    const kb = worker();
    const part = (word: string): string => `${word} is where we go, whatever the weather is.`;
    const textOf = (...words: string[]): string => words.map(part).join('\n\n');
    await kb.put({ id: 'a', text: textOf('north', 'south') });
    await work(kb);
    await kb.put({ id: 'b', text: textOf('south', 'west', 'south') });
    await work(kb);
    expect(calls.map((text) => text.trim())).toEqual(['north', 'south', 'west'].map(part));
  });

  it('keeps vectors for a time, of a model and its dimensions, and uses none that is damaged', async () => {
    const { worker, work, calls } = workers({ ttl: 60_000 });
    const kb = worker();
    await kb.put({ id: 'a', text: 'north' });
    await work(kb);
    const [key = ''] = await client().keys('*:e:*');
    expect(await client().pttl(key)).toBeGreaterThan(50_000);
    await client().set(key, 'damaged', 'KEEPTTL');
    await kb.put({ id: 'b', text: 'north' });
    await work(kb);
    expect(calls).toEqual(['north', 'north']);
    await client().set(key, Buffer.alloc(12, 255)); // no numbers
    await kb.put({ id: 'c', text: 'north' });
    await work(kb);
    expect(calls).toEqual(['north', 'north', 'north']);
    expect((await client().keys('*:e:*')).length).toBe(1);
  });

  it('refuses a time that is none', () => {
    expect(() => server({ cache: { ttl: 1 } })).toThrow(MisuseError);
  });
});
