/**
 * What steps have given, for other runs, in memory: what lua/cache.lua and cached.lua do. For tests of workflows only.
 */
export class MemoryCache {
  readonly #kept = new Map<string, { readonly result: string; readonly until: number }>();

  /** `now`: in ms. */
  get(key: string, now: number): string | undefined {
    const kept = this.#kept.get(key);
    return kept && kept.until > now ? kept.result : undefined;
  }

  set(key: string, result: string, until: number): void {
    this.#kept.set(key, { result, until });
  }
}
