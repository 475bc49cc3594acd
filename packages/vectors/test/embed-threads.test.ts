/** Models in threads: off the event loop, with threads that end, texts that end them, and modules that are none. */
import { AbortedError, MisuseError, UnavailableError } from '@holdfast/kernel';
import { createEmbedder, embedInThreads } from '@holdfast/vectors';
import { afterEach, describe, expect, it, vi } from 'vitest';

type Threads = ReturnType<typeof embedInThreads>;
const open: Threads[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const NEVER = new AbortController().signal;
const MODEL = `
import { isMainThread, threadId } from 'node:worker_threads';
export default async (texts) => {
  if (texts.includes('end')) process.exit(3);
  if (texts.includes('fail')) throw new Error('no such word');
  if (texts.includes('wait')) await new Promise(() => {});
  return texts.map((text) => [isMainThread ? 1 : 0, threadId, text.length]);
};`;
const start = (threads: number, code = MODEL): Threads => {
  const made = embedInThreads({ module: `data:text/javascript,${encodeURIComponent(code)}`, threads });
  open.push(made);
  return made;
};

describe('a model in threads', () => {
  it('makes vectors off the event loop, on as many threads as there are', async () => {
    const { embed } = start(2);
    const all = await Promise.all(['a', 'bb', 'ccc', 'dddd'].map((text) => embed([text], NEVER)));
    expect(all.map(([vector]) => vector?.[0])).toEqual([0, 0, 0, 0]);
    expect(all.map(([vector]) => vector?.[2])).toEqual([1, 2, 3, 4]);
    // One is busy for good, and the other one answers.
    const ending = new AbortController();
    const held = expect(embed(['wait'], ending.signal)).rejects.toThrow(AbortedError);
    expect(await embed(['x'], NEVER)).toHaveLength(1);
    ending.abort();
    await held;
  });

  it('fails with what the module throws, or was wrong with it', async () => {
    await expect(start(1).embed(['fail'], NEVER)).rejects.toThrow(/no such word/);
    await expect(start(1, 'export const x = 1;').embed(['a'], NEVER)).rejects.toThrow(/exports no function/);
    await expect(start(1, 'throw new Error("no weights");').embed(['a'], NEVER)).rejects.toThrow(
      UnavailableError,
    );
    expect(() => embedInThreads({ module: './model.js' })).toThrow(/a file URL/);
  });

  it('whose thread ends goes on, but for the text that ends it', async () => {
    const threads = start(1);
    const embedder = createEmbedder({ embed: threads.embed, model: 'm' });
    const [one, other, third] = await Promise.allSettled([
      embedder.embed(['one']),
      embedder.embed(['end']),
      embedder.embed(['third']),
    ]);
    expect([one.status, other.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await vi.waitUntil(() => threads.stats().threads === 1, { timeout: 20_000 });
    await expect(embedder.embed(['end'])).rejects.toThrow(/refused for a minute/);
    expect(threads.stats()).toEqual({ threads: 1, waiting: 0 });
    expect(await embedder.embed(['fourth'])).toHaveLength(1);
  });

  it('is waited for no longer than its caller wants, and ends when it is closed', async () => {
    const threads = start(1);
    const ending = new AbortController();
    const [running, waiting] = [threads.embed(['wait'], ending.signal), threads.embed(['a'], NEVER)];
    ending.abort();
    await expect(running).rejects.toThrow(AbortedError);
    const closed = expect(waiting).rejects.toThrow(UnavailableError);
    await threads.close();
    await closed;
    await expect(threads.embed(['a'], NEVER)).rejects.toThrow(MisuseError);
  });
});
