/** Backoff, pauses and time limits, and the clock that they stand on. */
import {
  AbortedError,
  backoff,
  pause,
  seededRandom,
  systemClock,
  systemRandom,
  throwIfAborted,
  unlessAborted,
  within,
} from '@holdfast/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

describe('backoff', () => {
  it('grows, with jitter, up to its limit', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(100), (seed, attempt) => {
        const delay = backoff(seededRandom(seed), attempt, { base: 10, limit: 200 });
        const ceiling = Math.min(200, 10 * 2 ** Math.min(attempt, 30));
        expect(delay).toBeGreaterThanOrEqual(ceiling / 4);
        expect(delay).toBeLessThanOrEqual(ceiling);
      }),
    );
  });
});

describe('random', () => {
  it('repeats itself from a seed, and only from a seed', () => {
    const draw = (seed: number): string => {
      const random = seededRandom(seed);
      return `${random.unit()} ${random.id()}`;
    };
    expect(draw(7)).toBe(draw(7));
    expect(draw(7)).not.toBe(draw(8));
    const ids = Array.from({ length: 1_000 }, () => systemRandom.id());
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]{12}$/);
  });
});

describe('pause', () => {
  it('ends by its time, or by any of its signals', async () => {
    const began = systemClock.now();
    await pause(systemClock, 20);
    expect(systemClock.now() - began).toBeGreaterThanOrEqual(19);
    const abort = new AbortController();
    const paused = pause(systemClock, 60_000, undefined, abort.signal);
    abort.abort();
    await paused;
    await pause(systemClock, 60_000, AbortSignal.abort());
  });
});

describe('within', () => {
  it('passes on what the work does, and rejects when it takes too long', async () => {
    expect(await within(systemClock, 1_000, Promise.resolve(5), 'too long')).toBe(5);
    await expect(within(systemClock, 1_000, Promise.reject(new Error('mine')), 'too long')).rejects.toThrow(
      'mine',
    );
    await expect(within(systemClock, 5, new Promise(() => {}), 'too long')).rejects.toThrow('too long');
  });
});

describe('throwIfAborted', () => {
  it('keeps the reason as the cause', () => {
    throwIfAborted(undefined, 'idling');
    throwIfAborted(new AbortController().signal, 'idling');
    const reason = new Error('enough');
    try {
      throwIfAborted(AbortSignal.abort(reason), 'idling');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AbortedError);
      expect(error).toMatchObject({ name: 'AbortError', message: 'Aborted while idling.', cause: reason });
    }
  });
});

describe('work that a caller may leave', () => {
  it('settles as it does, unless the signal aborts before', async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(signal, 'waiting', Promise.resolve(1))).toBe(1);
    expect(await unlessAborted(undefined, 'waiting', Promise.resolve(2))).toBe(2);
    await expect(unlessAborted(signal, 'waiting', Promise.reject(new Error('by itself')))).rejects.toThrow(
      'by itself',
    );
  });

  it('is left at once when the signal aborts, and its error is dropped', async () => {
    const caller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const work = new Promise<void>((_, reject) => {
      fail = reject;
    });
    const left = unlessAborted(caller.signal, 'waiting', work);
    caller.abort('enough');
    await expect(left).rejects.toMatchObject({ name: 'AbortError', message: 'Aborted while waiting.' });
    fail(new Error('nobody hears this'));
    await expect(unlessAborted(caller.signal, 'waiting', Promise.resolve(1))).rejects.toThrow(AbortedError);
  });
});
