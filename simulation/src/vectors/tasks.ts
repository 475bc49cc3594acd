/** The tasks of workers that make vectors of texts: a queue that neither fails nor forgets, and may hand out one twice. */
import type { EmbeddingTask } from '@holdfast/vectors';
import type { Dice } from '../plan/dice.js';

export class Tasks {
  readonly #tasks = new Map<string, EmbeddingTask>();

  get size(): number {
    return this.#tasks.size;
  }

  async add(data: EmbeddingTask, { id }: { readonly id: string }): Promise<void> {
    this.#tasks.set(id, data);
  }

  /** One of them, which is there until `end`. */
  any(dice: Pick<Dice, 'whole'>): { readonly id: string; readonly data: EmbeddingTask } | undefined {
    const all = [...this.#tasks];
    if (all.length === 0) return undefined;
    const [id, data] = all[dice.whole(0, all.length - 1)] ?? [];
    return id === undefined || data === undefined ? undefined : { id, data };
  }

  end(id: string): void {
    this.#tasks.delete(id);
  }
}
