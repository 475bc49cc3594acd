/**
 * Whether something that is counted against a quota is still there.
 *
 * Guarantees: what cannot be looked up, because its store does not answer, is an error, and so stays counted; what a replica
 * does not know yet, such as a workflow whose first worker has just begun, is taken to be there.
 */
import type { Queue } from '@holdfast/queue';
import { type OpenedWorkflows, RunGoneError } from '@holdfast/workflow';
import { NotFoundError } from '../errors.js';
import type { StoredKind } from './limits.js';
import { partsOf, thingOf } from './quotas.js';

export const taskThing = (queue: string, id: string): string => thingOf(queue, id);
export const runThing = (workflow: string, id: string, key: string | undefined): string =>
  thingOf(workflow, id, key);
export const scheduleThing = (system: 'queue' | 'app', of: string, name: string): string =>
  thingOf(system, of, name);

/** Where things are looked up. */
interface Stores {
  withQueue<Result>(name: string, work: (queue: Queue) => Promise<Result>): Promise<Result>;
  withApp<Result>(workflow: string, work: (app: OpenedWorkflows) => Promise<Result>): Promise<Result>;
}

const TASK_IS_OVER = ['completed', 'cancelled'];
const RUN_IS_OVER = ['completed', 'failed', 'cancelled'];

type Parts = readonly (string | null)[];

const ALIVE: Readonly<Record<StoredKind, (stores: Stores, parts: Parts) => Promise<boolean>>> = {
  async tasks(stores, [queue, id]) {
    const task = await stores.withQueue(queue ?? '', (opened) => opened.get(id ?? ''));
    return task !== undefined && !TASK_IS_OVER.includes(task.state);
  },
  async runs(stores, [workflow, id, key]) {
    try {
      return await stores.withApp(workflow ?? '', async (app) => {
        const run = app.get(workflow ?? '', id ?? '', key === null || key === undefined ? {} : { key });
        return !RUN_IS_OVER.includes((await run.status()).status);
      });
    } catch (error) {
      if (error instanceof RunGoneError) return false;
      if (error instanceof NotFoundError) return true;
      throw error;
    }
  },
  async schedules(stores, [system, of, name]) {
    const isThere = (schedules: readonly { readonly name: string }[]): boolean =>
      schedules.some((each) => each.name === name);
    if (system === 'queue') {
      return isThere(await stores.withQueue(of ?? '', (queue) => queue.schedules()));
    }
    try {
      return isThere(await stores.withApp(of ?? '', (app) => app.schedules()));
    } catch (error) {
      if (error instanceof NotFoundError) return true;
      throw error;
    }
  },
};

/** Throws UnavailableError. */
export const isAlive = (stores: Stores, kind: StoredKind, thing: string): Promise<boolean> =>
  ALIVE[kind](stores, partsOf(thing));
