/**
 * Tasks that runs have added to a queue, and approvals that they have asked for: what is outside of the app.
 *
 * Guarantees: a task is one for its id, whatever attempts of its step add it; of an approval there is one answer, which is that
 * of the run.
 */
import type { Violate } from '../run/part.js';
import { approvalsIn } from './verdict.js';

export interface Task {
  readonly id: string;
  readonly data: string;
  /** That has added it. */
  readonly run: string;
}

export class Tasks {
  readonly #isOneBuild: boolean;
  readonly #violate: Violate;
  readonly #data = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  /** Whose results were accepted. */
  readonly #replied = new Set<string>();
  /** By approval, what somebody was told is the answer, and what a run has taken for it. */
  readonly #answers = new Map<string, string>();

  /** `isOneBuild`: a step that is not done may have another place under another build. */
  constructor(isOneBuild: boolean, violate: Violate) {
    this.#isOneBuild = isOneBuild;
    this.#violate = violate;
  }

  /** A step adds a task: each does that in one place of its program, where its attempts add the same. Whether it is new. */
  added(id: string, data: string): boolean {
    const isNew = !this.#data.has(id);
    const [generation = ''] = /^.*(?=\/)/.exec(id) ?? [];
    const known = this.#ids.get(`${generation} ${data}`) ?? id;
    this.#ids.set(`${generation} ${data}`, known);
    if (known !== id && this.#isOneBuild)
      this.#violate('task', `${data} is added as the task ${id}, but was as ${known}`);
    this.#data.set(id, data);
    return isNew;
  }

  replied(id: string): void {
    this.#replied.add(id);
  }

  /** The server may have forgotten replies and answers. */
  forgets(): void {
    this.#replied.clear();
    this.#answers.clear();
  }

  get unanswered(): readonly Task[] {
    return [...this.#data].flatMap(([id, data]) => {
      const [, run = ''] = /^[^/]*\/(.*)\.[^./]*\/[^/]*$/.exec(id) ?? [];
      return this.#replied.has(id) ? [] : { id, data, run };
    });
  }

  /** Somebody was told that this is the answer. */
  approved(approval: string, answer: string): void {
    const known = this.#answers.get(approval);
    if (known !== undefined && known !== answer)
      this.#violate('approval', `${approval} has the answer "${answer}", but "${known}" too`);
    this.#answers.set(approval, answer);
  }

  /** A run has completed with these answers in its value. */
  took(value: unknown): void {
    for (const [approval, answer] of approvalsIn(value)) this.approved(approval, answer);
  }
}
