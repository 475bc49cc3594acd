/** What an attempt writes to a stream, where calls of the store fail or are slow. */
import { LeaseLostError, systemClock, UnavailableError } from '@holdfast/kernel';
import { expect, it } from 'vitest';
import { type Append, StreamWriter } from '../src/step/stream-writer.js';
import type { Appended } from '../src/store/stream-store.js';

const lost = () => new LeaseLostError('The run is not owned any more.', { resource: 'r', token: 1 });

/** A stream that keeps what is appended as lua/append.lua does. */
class Kept {
  readonly chunks: string[] = [];
  readonly calls: number[] = [];
  isStale = false;

  append(index: number, chunks: readonly string[]): Appended {
    this.calls.push(chunks.length);
    if (this.isStale) return { word: 'stale', count: 0 };
    if (index > this.chunks.length) return { word: 'gap', count: this.chunks.length };
    this.chunks.push(...chunks.slice(this.chunks.length - index));
    return { word: 'appended', count: this.chunks.length };
  }
}

function writerOn(append: Append, over: () => Error | undefined = () => undefined): StreamWriter {
  return new StreamWriter({ clock: systemClock, name: 'out', append, over, lost });
}

it('sends what is written together in one call, in order', async () => {
  const kept = new Kept();
  const writer = writerOn(async (_, index, chunks) => kept.append(index, chunks));
  for (let n = 0; n < 150; n += 1) void writer.write(n);
  await writer.flush();
  expect(kept.chunks).toEqual(Array.from({ length: 150 }, (_, n) => String(n)));
  expect(kept.calls).toEqual([100, 50]);
});

it('has each chunk once where answers are lost, and calls do not arrive', async () => {
  const kept = new Kept();
  let call = 0;
  const writer = writerOn(async (_, index, chunks) => {
    call += 1;
    if (call % 3 === 1) throw new UnavailableError('The call did not arrive.', []);
    const appended = kept.append(index, chunks);
    if (call % 3 === 2) throw new UnavailableError('The answer was lost.', []);
    return appended;
  });
  for (let n = 0; n < 5; n += 1) await writer.write(n);
  await writer.flush();
  expect(kept.chunks).toEqual(['0', '1', '2', '3', '4']);
});

it('lets a body wait while much of what it wrote is not sent', async () => {
  const kept = new Kept();
  let answer = (): void => {};
  const writer = writerOn(async (_, index, chunks) => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return kept.append(index, chunks);
  });
  let written = 0;
  const body = (async () => {
    for (let n = 0; n < 400; n += 1) {
      await writer.write(n);
      written += 1;
    }
    await writer.flush();
  })();
  await expect.poll(() => written).toBe(199);
  const isDone = body.then(() => true);
  await expect
    .poll(
      async () => {
        answer();
        return Promise.race([isDone, new Promise((resolve) => setImmediate(resolve, false))]);
      },
      { interval: 1 },
    )
    .toBe(true);
  expect(kept.chunks).toHaveLength(400);
});

it('writes nothing more once the run is owned by another, or the attempt is over', async () => {
  const kept = new Kept();
  kept.isStale = true;
  const writer = writerOn(async (_, index, chunks) => kept.append(index, chunks));
  await writer.write(1);
  await expect(writer.flush()).rejects.toThrow(LeaseLostError);
  await expect(writer.write(2)).rejects.toThrow(LeaseLostError);
  expect(kept.calls).toEqual([1]);
  const over = writerOn(
    async () => ({ word: 'appended', count: 1 }),
    () => new Error('the attempt has ended'),
  );
  await expect(over.write(1)).rejects.toThrow('ended');
});
