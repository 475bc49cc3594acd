/**
 * What a process does for the vectors of an index whose models change: it builds generations and ends them, and makes vectors of
 * texts as a worker.
 *
 * Guarantees: it uses only what users use, and keeps a builder until it begins another, however late it goes on with it.
 */
import type { GenerationBuilder, VectorIndex } from '@holdfast/vectors';
import type { Dice } from '../plan/dice.js';
import type { Holders } from './holders.js';
import { type ModelName, otherModel, vectorBy } from './names.js';
import type { VectorsStep } from './plan.js';
import type { Tasks } from './tasks.js';

export type BuildStep = Extract<
  VectorsStep,
  { readonly f: 'build' | 'cut' | 'abandon' | 'retire' | 'embed' }
>;

export interface BuildsParts {
  readonly holders: Holders;
  readonly tasks: Tasks;
  readonly dice: Pick<Dice, 'whole'>;
  readonly note: (what: string) => void;
}

/** How often a builder fills and cuts before it gives up. */
const ROUNDS = 5;

/** The vectors of a model, as createIndex() takes them. */
export const modelOf = (
  model: ModelName,
  shape: { readonly dimensions: number; readonly memory?: number; readonly engine?: 'server' },
  sleep: (duration: number) => Promise<void>,
) => ({
  ...{ model, ...shape },
  embedder: {
    async embed(texts: readonly string[]): Promise<Float32Array[]> {
      const [first = ''] = texts;
      // Some at once, and some so late that another model may be live by then.
      await sleep(Math.max(0, ((hashOf(first) * 37) % 140) - 50));
      return texts.map((text) => Float32Array.from(vectorBy(model, text)));
    },
  },
});

const hashOf = (text: string): number => [...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);

export class Builds {
  readonly #parts: BuildsParts;
  readonly #index: VectorIndex;
  readonly #modelOf: (model: ModelName) => ReturnType<typeof modelOf>;
  #builder: GenerationBuilder | undefined;

  constructor(index: VectorIndex, of: (model: ModelName) => ReturnType<typeof modelOf>, parts: BuildsParts) {
    this.#index = index;
    this.#modelOf = of;
    this.#parts = parts;
  }

  carryOut(step: BuildStep): Promise<unknown> {
    switch (step.f) {
      case 'build':
        return this.#build(step.batch, step.pending);
      case 'cut':
        return this.#cut(step.pending);
      case 'abandon':
        return this.#builder?.abandon() ?? Promise.resolve();
      case 'retire':
        return this.#retire();
      case 'embed':
        return this.#embed(step.again);
    }
  }

  /** Makes all vectors that are missing. */
  async embedAll(): Promise<void> {
    do {
      while (this.#parts.tasks.size > 0) await this.#embed(false);
    } while ((await this.#index.embedMissing()) > 0);
  }

  /** Has another model live. */
  async replace(): Promise<void> {
    for (;;) if (await this.#build(64, 0)) return;
  }

  /** True if it went live. */
  async #build(batch: number, pending: number): Promise<boolean> {
    const { holders, note } = this.#parts;
    const live = (await this.#index.generations()).find(({ state }) => state === 'live');
    const vectors = this.#modelOf(otherModel(live?.model ?? ''));
    const holder = holders.next('builders');
    this.#builder = await this.#index.begin({ vectors, batch }, holder);
    for (let round = 0; round < ROUNDS; round += 1) {
      await this.#builder.fill();
      const cut = await this.#builder.cut({ pending });
      note(`${vectors.model} under ${holder.token} is ${cut.outcome}`);
      if (cut.outcome === 'live') return true;
    }
    return false;
  }

  async #cut(pending: number): Promise<void> {
    const cut = await this.#builder?.cut({ pending });
    if (cut) this.#parts.note(`the builder of before is ${cut.outcome}`);
  }

  /** Whatever is not live. */
  async #retire(): Promise<void> {
    const all = await this.#index.generations();
    const left = all.find(({ state }) => state === 'kept' || state === 'dropping');
    if (left) await this.#index.retire(left.generation, this.#parts.holders.next('builders'));
  }

  async #embed(again: boolean): Promise<void> {
    const { tasks, dice, note } = this.#parts;
    const task = tasks.any(dice);
    if (task === undefined) return;
    const { outcome } = await this.#index.embedder()({
      data: task.data,
      signal: new AbortController().signal,
    });
    note(`makes vectors of ${task.data.id}: ${outcome}`);
    if (!again) tasks.end(task.id);
  }
}
