/**
 * What a partition in memory keeps of its runs: journals by their generation, what runs have published, and how they have
 * ended, until their time to be kept is over. For tests of workflows only.
 */
import { nameOf, type RunRef } from './claim.js';
import type { Terms } from './memory-dispatch.js';
import type { RunState } from './run-store.js';
import type { Ending } from './store.js';

/** Earlier journals of a run, at the most. */
const MOST_EARLIER = 100;

export class MemoryKept {
  readonly #now: () => number;
  readonly #erased: (run: RunRef) => void;
  readonly #journals = new Map<string, string[]>();
  readonly #generations = new Map<string, string>();
  readonly #earlier = new Map<string, readonly RunRef[]>();
  /** Until when runs are kept that are over, in ms. */
  readonly #ended = new Map<string, number>();
  /** How runs have ended, and when. */
  readonly over = new Map<string, { state: RunState; since: number; terms: Terms }>();
  readonly states = new Map<string, string>();
  /** Results of tasks that have come when the runs that wait for them were over, by the ids of their messages. */
  readonly #late = new Map<string, Map<string, string>>();

  /** `now`: in ms. `erased` is told of each journal that is kept no longer. */
  constructor(now: () => number, erased: (run: RunRef) => void) {
    this.#now = now;
    this.#erased = erased;
  }

  /** Undefined if there is no such run, or if it is over and its time to be kept too. */
  generationOf(run: string): string | undefined {
    const kept = this.#ended.get(run);
    if (kept !== undefined && kept <= this.#now()) this.forget(run);
    return this.#generations.get(run);
  }

  /** The run with the journal that counts. */
  current(run: string): RunRef {
    return { run, generation: this.#generations.get(run) ?? '' };
  }

  /** Empty if there is none. */
  journal(run: RunRef): readonly string[] {
    return this.#journals.get(nameOf(run)) ?? [];
  }

  append(run: RunRef, ...records: readonly string[]): void {
    this.#journals.get(nameOf(run))?.push(...records);
  }

  /** The result of a task: a run that has completed is never retried. */
  late(run: RunRef, record: string): void {
    if (this.over.get(run.run)?.state === 'completed') return;
    const kept = this.#late.get(nameOf(run)) ?? new Map();
    const id = record.slice(0, record.indexOf('\n'));
    if (!kept.has(id)) this.#late.set(nameOf(run), kept.set(id, record));
  }

  lateOf(run: RunRef): readonly string[] {
    return [...(this.#late.get(nameOf(run)) ?? new Map<string, string>()).values()];
  }

  /** From now on this is the journal that counts. */
  begin(run: RunRef, records: readonly string[]): void {
    const before = this.#earlier.get(run.run) ?? [];
    if (this.#generations.has(run.run)) {
      this.#earlier.set(run.run, [...before, this.current(run.run)].slice(-MOST_EARLIER));
      if (before.length === MOST_EARLIER) this.#erase(before[0] as RunRef);
    }
    const [header = '', ...rest] = records;
    this.#journals.set(nameOf(run), [header.replace(/^H -/, `H ${Math.floor(this.#now())}`), ...rest]);
    this.#generations.set(run.run, run.generation);
    this.#ended.delete(run.run);
    this.over.delete(run.run);
  }

  end(run: string, { retain, status }: Ending & { word: 'end' }, { priority, build }: Terms): void {
    this.#ended.set(run, this.#now() + retain);
    this.over.set(run, { state: status, since: this.#now(), terms: { priority, build } });
  }

  forget(run: string): void {
    for (const each of [...(this.#earlier.get(run) ?? []), this.current(run)]) this.#erase(each);
    this.#earlier.delete(run);
    this.states.delete(run);
    this.#generations.delete(run);
    this.#ended.delete(run);
    this.over.delete(run);
  }

  /** Forgets runs whose time to be kept is over. */
  sweep(): void {
    for (const run of [...this.#ended.keys()]) this.generationOf(run);
  }

  #erase(run: RunRef): void {
    this.#journals.delete(nameOf(run));
    this.#late.delete(nameOf(run));
    this.#erased(run);
  }
}
