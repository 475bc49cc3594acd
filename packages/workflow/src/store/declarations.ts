/**
 * Tells a partition the limits that this program's workflows declare: once, and again where it has forgotten them.
 */
import { differentLimits } from '@holdfast/kernel';
import type { Workflow } from '../define.js';
import { declarationOf } from '../limits.js';
import type { Store } from './store.js';

type Limited = Pick<Workflow, 'name' | 'limits'>;

export class Declarations {
  readonly #store: Store;
  readonly #partition: { readonly index: number; readonly partitions: number };
  readonly #declared = new Set<string>();

  constructor(store: Store, partition: { readonly index: number; readonly partitions: number }) {
    this.#store = store;
    this.#partition = partition;
  }

  /** Undefined if there is nothing to tell. Rejects with MisuseError if others are kept, with UnavailableError. */
  ensure(workflow: Limited): Promise<void> | undefined {
    if (workflow.limits === undefined || this.#declared.has(workflow.name)) return undefined;
    return this.#declare(workflow.name, workflow.limits);
  }

  /** The partition does not have them any more. */
  forgotten(workflow: Limited): void {
    this.#declared.delete(workflow.name);
  }

  async #declare(workflow: string, limits: NonNullable<Limited['limits']>): Promise<void> {
    const limitsHere = declarationOf(workflow, limits, this.#partition);
    const declared = await this.#store.declare(limitsHere);
    if (declared.word === 'differs') {
      throw differentLimits(`The workflow "${workflow}"`, { kept: declared.kept, declared: limitsHere.text });
    }
    this.#declared.add(workflow);
  }
}
