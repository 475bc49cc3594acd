/**
 * Waiting for what others will report: conditions that are looked at again after every change, and waits that end.
 *
 * Guarantees: nothing here polls, rejects, or keeps the process alive by itself. Every wait ends when its signal aborts.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export class Changes {
  readonly #listeners = new Set<() => void>();

  /** To be called after anything that a condition may look at has changed. */
  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Resolves to true as soon as `condition` holds; to whether it holds then when `signal` aborts, or after `patience`
   * milliseconds.
   */
  until(condition: () => boolean, signal: AbortSignal, patience?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (met: boolean): void => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        signal.removeEventListener('abort', giveUp);
        resolve(met);
      };
      const check = (): void => {
        if (condition()) end(true);
      };
      const giveUp = (): void => end(condition());
      const timer = patience === undefined ? undefined : setTimeout(giveUp, patience).unref();
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      this.#listeners.add(check);
      check();
    });
  }
}

/** A signal that aborts after `delay` milliseconds, or as soon as one of `parents` does. */
export function limit(delay: number, ...parents: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // as many as wait for it
  const timer = setTimeout(() => controller.abort(), delay).unref();
  const follow = (): void => {
    clearTimeout(timer);
    controller.abort();
  };
  for (const parent of parents) onAbort(parent, follow);
  return controller.signal;
}

/** Resolves to true after `delay` milliseconds, or to false as soon as `signal` aborts. */
export function rest(delay: number, signal: AbortSignal): Promise<boolean> {
  return sleep(delay, true, { signal }).catch(() => false);
}

/** Calls `then` once when `signal` aborts; at once if it has. */
export function onAbort(signal: AbortSignal, then: () => void): void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { once: true });
}
