/**
 * Results of steps that are costly and depend on nothing but their key, kept across runs.
 *
 * Guarantees: best effort. What cannot be read or kept is computed, and a failure of the cache fails no step. A result is
 * kept in the partition of the run, under its workflow, its step's name and the key.
 */
import { createHash } from 'node:crypto';
import { plainValue } from '@holdfast/kernel';
import { encodeValue } from '../json.js';
import type { StepBody } from '../step/options.js';
import type { Store } from '../store/store.js';

export interface CacheHost {
  readonly store: Pick<Store, 'cached' | 'cache'>;
  readonly report: (error: unknown) => void;
}

export interface CachedStep {
  readonly workflow: string;
  readonly name: string;
  readonly key: string;
  /** In ms. */
  readonly ttl: number;
}

/** The body, of which a result that is kept takes the place. */
export function cachedBody(
  { store, report }: CacheHost,
  { workflow, name, key, ttl }: CachedStep,
  body: StepBody<unknown>,
): StepBody<unknown> {
  const place = createHash('sha1')
    .update(JSON.stringify([workflow, name, key]))
    .digest('base64url');
  return async (step) => {
    try {
      const kept = await store.cached(place);
      if (kept !== undefined) return plainValue(kept);
    } catch (error) {
      report(error);
    }
    const value = await body(step);
    const text = encodeValue(value, `The result of the step "${name}"`);
    store.cache(place, text, ttl).catch(report);
    return value;
  };
}
