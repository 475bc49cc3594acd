/**
 * Tasks: added one by one and in batches, claimed and completed by workers over HTTP.
 *
 * Complains about a task whose addition was acknowledged and that is neither completed nor known, about one that is given out
 * after its completion was acknowledged, about tokens that do not rise, and about dead letters.
 */
import type { ClaimedTask } from '@holdfast/client';
import { insist, isStatus, pause } from '../attempts.js';
import type { Stage, Traffic } from './traffic.js';

const QUEUE = 'mixed';
const BATCH = 10;
const EVERY = 100;
const WORKERS = 4;
const LEASE = 10_000;
/** How long the rest may take, in ms. */
const REST = 120_000;

export class TaskTraffic implements Traffic {
  readonly name = 'tasks';
  readonly #stage: Stage;
  /** When it was acknowledged, by id. */
  readonly #added = new Map<string, number>();
  readonly #completed = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  readonly #done = new AbortController();
  #next = 0;
  #failed = 0;
  #givenAway = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {}

  async run(): Promise<void> {
    await Promise.all([this.#produce(), ...Array.from({ length: WORKERS }, () => this.#work())]);
  }

  async judge(): Promise<Readonly<Record<string, number>>> {
    const { client, complain } = this.#stage;
    for (const [id, acknowledged] of this.#added) {
      if (this.#completed.has(id)) continue;
      const found = await insist(() => client.queues.get(QUEUE, id)).catch((error: unknown) => {
        if (isStatus(error, 404)) return undefined;
        throw error;
      });
      if (found?.state === 'completed') continue; // by a worker that was not told
      complain({ what: `task ${id} was added, and is ${found?.state ?? 'gone'}`, acknowledged });
    }
    const { dead } = await insist(() => client.queues.counts(QUEUE));
    if (dead > 0) complain({ what: `${dead} dead letters` });
    return {
      added: this.#added.size,
      completed: this.#completed.size,
      'failed on purpose, and tried again': this.#failed,
      'given to another worker': this.#givenAway,
    };
  }

  /** Until nothing is to be begun, and nothing waits any more. */
  async #produce(): Promise<void> {
    while (!this.#stage.ending.aborted) {
      await (this.#next % 3 === 0 ? this.#addMany() : this.#add());
      await pause(EVERY);
    }
    await this.#rest();
    this.#done.abort();
  }

  #id(): string {
    this.#next += 1;
    return `t${this.#next}`;
  }

  async #add(): Promise<void> {
    const id = this.#id();
    await insist(() => this.#stage.client.queues.add(QUEUE, { id, data: { id } }));
    this.#added.set(id, performance.now());
  }

  async #addMany(): Promise<void> {
    const tasks = Array.from({ length: BATCH }, () => this.#id()).map((id) => ({ id, data: { id } }));
    await insist(() => this.#stage.client.queues.addMany(QUEUE, { tasks }));
    for (const { id } of tasks) this.#added.set(id, performance.now());
  }

  async #work(): Promise<void> {
    const { client } = this.#stage;
    const { signal } = this.#done;
    const body = { worker: 'mixed', max: 5, wait: 5_000, lease: LEASE };
    while (!signal.aborted) {
      const asked = performance.now();
      const idempotencyKey = crypto.randomUUID();
      const answer = await insist(
        () => client.claims.claim(QUEUE, body, { idempotencyKey, signal }),
        signal,
      ).catch((error: unknown) => {
        if (signal.aborted) return { tasks: [], validFor: 0, waited: 0 };
        throw error;
      });
      for (const task of answer.tasks) this.#note(task, asked);
      const until = asked + answer.waited * 0.99 + answer.validFor;
      for (const task of answer.tasks) {
        if (performance.now() < until) await this.#handle(task);
        else this.#givenAway += 1;
      }
    }
  }

  #note({ id, token }: ClaimedTask, asked: number): void {
    const { complain } = this.#stage;
    const before = this.#completed.get(id);
    if (before !== undefined && before < asked)
      complain({ what: `task ${id} is given out after its completion`, acknowledged: before });
    const highest = this.#tokens.get(id) ?? 0;
    if (token <= highest) complain({ what: `the token of task ${id} is ${token} after ${highest}` });
    this.#tokens.set(id, Math.max(token, highest));
  }

  async #handle({ id, attempt, claim }: ClaimedTask): Promise<void> {
    const { client } = this.#stage;
    try {
      if (attempt === 1 && Number(id.slice(1)) % 20 === 0) {
        await insist(() => client.claims.fail(claim, { message: 'on purpose' }));
        this.#failed += 1;
        return;
      }
      await insist(() => client.claims.complete(claim, { result: { of: id } }));
      this.#completed.set(id, performance.now());
    } catch (error) {
      if (!isStatus(error, 410)) throw error; // its lease ran out while the servers were away
      this.#givenAway += 1;
    }
  }

  /** Until nothing waits any more. */
  async #rest(): Promise<void> {
    const until = performance.now() + REST;
    for (;;) {
      const { waiting, active, delayed } = await insist(() => this.#stage.client.queues.counts(QUEUE));
      if (waiting + active + delayed === 0) return;
      if (performance.now() > until) {
        const left = `${waiting} wait, ${active} are active, ${delayed} delayed`;
        return this.#stage.complain({ what: `tasks are left after ${REST / 1_000} s: ${left}` });
      }
      await pause(500);
    }
  }
}
