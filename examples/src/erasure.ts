/**
 * Erases what the five systems know about a person. The sample of docs/ERASURE.md; its test looks for what is left in Redis.
 */
import { entity, type Features } from '@holdfast/features';
import type { Locks } from '@holdfast/lock';
import type { Queue } from '@holdfast/queue';
import type { createIndex } from '@holdfast/vectors';
import type { Workflows } from '@holdfast/workflow';

/** What a program of yours has, and where it wrote about people. */
export interface Systems {
  readonly locks: Locks;
  readonly mails: Queue<{ user: string; to: string }>;
  readonly workflows: Workflows;
  readonly store: Features;
  readonly kb: ReturnType<typeof createIndex>;
}

type Page = Awaited<ReturnType<Systems['mails']['list']>>;

export const user = entity('user');

/** Ids begin with the pseudonym of the person, so that all that is about it can be named. */
export async function erase({ locks, mails, workflows, store, kb }: Systems, id: string): Promise<void> {
  await locks.using(`erase:${id}`, { ttl: 30_000 }, async (lease) => {
    await store.erase(user, id, { holder: lease }); // no row about it is served or taken any more
  });
  await kb.deleteAll({ filter: { user: id } }, {});
  for (const state of ['waiting', 'delayed', 'active', 'completed', 'dead'] as const) {
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: Page = await mails.list(state, { limit: 500, ...(after && { after }) });
      const theirs = page.tasks.filter((task) => task.id.startsWith(`${id}.`));
      for (const task of theirs) await mails.remove(task.id);
      after = page.next;
    }
  }
  for await (const { id: run, state } of workflows.list({ workflow: 'order' })) {
    if (!run.startsWith(`${id}.`)) continue;
    if (!OVER.has(state)) await workflows.get('order', run).terminate();
    await workflows.get('order', run).purge(); // with its journal, its messages and its streams
  }
}

const OVER: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'terminated']);
