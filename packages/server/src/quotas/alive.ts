/**
 * Whether something that is counted against a quota is still there.
 *
 * Guarantees: what cannot be looked up, because its store does not answer, is an error, and so stays counted; what a replica
 * does not know yet, such as a workflow whose first worker has just begun, is taken to be there.
 */
import { RunGoneError } from '@holdfast/workflow';
import { NotFoundError } from '../errors.js';
import type { Systems } from '../operations/systems.js';
import type { StoredKind } from './limits.js';
import { partsOf, thingOf } from './quotas.js';

export const taskThing = (queue: string, id: string): string => thingOf(queue, id);
export const runThing = (workflow: string, id: string, key: string | undefined): string =>
  thingOf(workflow, id, key);
export const scheduleThing = (system: 'queue' | 'app', of: string, name: string): string =>
  thingOf(system, of, name);

const TASK_IS_OVER = ['completed', 'cancelled'];
const RUN_IS_OVER = ['completed', 'failed', 'cancelled'];

type Parts = readonly (string | null)[];

const ALIVE: Readonly<Record<StoredKind, (systems: Systems, parts: Parts) => Promise<boolean>>> = {
  async tasks(systems, [queue, id]) {
    const task = await systems.withQueue(queue ?? '', (opened) => opened.get(id ?? ''));
    return task !== undefined && !TASK_IS_OVER.includes(task.state);
  },
  async runs(systems, [workflow, id, key]) {
    try {
      return await systems.withApp(workflow ?? '', async (app) => {
        const run = app.get(workflow ?? '', id ?? '', key === null || key === undefined ? {} : { key });
        return !RUN_IS_OVER.includes((await run.status()).status);
      });
    } catch (error) {
      if (error instanceof RunGoneError) return false;
      if (error instanceof NotFoundError) return true;
      throw error;
    }
  },
  async schedules(systems, [system, of, name]) {
    const isThere = (schedules: readonly { readonly name: string }[]): boolean =>
      schedules.some((each) => each.name === name);
    if (system === 'queue') {
      return isThere(await systems.withQueue(of ?? '', (queue) => queue.schedules()));
    }
    try {
      return isThere(await systems.withApp(of ?? '', (app) => app.schedules()));
    } catch (error) {
      if (error instanceof NotFoundError) return true;
      throw error;
    }
  },
};

/** Throws UnavailableError. */
export const isAlive = (systems: Systems, kind: StoredKind, thing: string): Promise<boolean> =>
  ALIVE[kind](systems, partsOf(thing));
