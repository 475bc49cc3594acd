/**
 * A queue of Holdfast on Bull Board: looks at tasks, tries dead letters again, removes and cancels, pauses, purges, sets the
 * concurrency, lists schedules and runs them.
 *
 * Not offered, because the queue has no such call: changing a schedule, and metrics by the minute.
 */
import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type { JobStatus, QueueAdapterOptions, QueueJob, Status } from '@bull-board/api/dist/types.js';
import type { Queue, TaskState } from '@holdfast/queue';
import { BoardTask } from './task.js';

/** The states of tasks by the names that Bull Board has for them. */
const STATES: Readonly<Partial<Record<Status, TaskState>>> = {
  waiting: 'waiting',
  active: 'active',
  delayed: 'delayed',
  failed: 'dead',
  completed: 'completed',
};

const STATUSES = ['active', 'waiting', 'delayed', 'completed', 'failed'] as Status[];

export class HoldfastAdapter extends BaseAdapter {
  readonly #queue: Queue;

  // biome-ignore lint/suspicious/noExplicitAny: what the data are makes no difference to the board.
  constructor(queue: Queue<any, any>, options: Partial<QueueAdapterOptions> = {}) {
    super('bullmq', options);
    this.#queue = queue;
  }

  getName(): string {
    return `${this.prefix}${this.#queue.name}`;
  }

  getStatuses(): Status[] {
    return ['latest' as Status, ...STATUSES];
  }

  getJobStatuses(): JobStatus[] {
    return STATUSES as JobStatus[];
  }

  async getJobCounts() {
    const { waiting, active, delayed, dead, completed } = await this.#queue.counts();
    return { waiting, active, delayed, completed, failed: dead };
  }

  async getJobs(statuses: JobStatus[], start = 0, end = 19): Promise<QueueJob[]> {
    const pages = await Promise.all(statuses.map((status) => this.#page(STATES[status], start, end)));
    return pages.flat();
  }

  async getJob(id: string): Promise<QueueJob | undefined> {
    const task = await this.#queue.get(id);
    return task && new BoardTask(this.#queue, task);
  }

  async addJob(_name: string, data: unknown, options: { delay?: number; attempts?: number }) {
    const { id } = await this.#queue.add(data, options);
    return (await this.getJob(id)) as QueueJob;
  }

  async getJobLogs(id: string): Promise<string[]> {
    const lines = await this.#queue.log(id);
    return lines.map(({ at, attempt, text }) => `${new Date(at).toISOString()} attempt ${attempt}: ${text}`);
  }

  async isPaused(): Promise<boolean> {
    return (await this.#queue.counts()).paused;
  }

  pause(): Promise<void> {
    return this.#queue.pause();
  }

  resume(): Promise<void> {
    return this.#queue.resume();
  }

  async empty(): Promise<void> {
    await this.#queue.purge('waiting');
    await this.#queue.purge('delayed');
  }

  async clean(status: string): Promise<void> {
    const state = { wait: 'waiting', delayed: 'delayed', failed: 'dead' } as const;
    if (status in state) await this.#queue.purge(state[status as keyof typeof state]);
    else throw new Error(`Tasks in the state ${status} are not purged: results go as "limits.retain" says.`);
  }

  obliterate(options: { force?: boolean } = {}): Promise<void> {
    return this.#queue.obliterate({ confirm: this.#queue.name, force: options.force ?? false });
  }

  async getGlobalConcurrency(): Promise<number | null> {
    return (await this.#queue.limits())?.concurrency ?? null;
  }

  async setGlobalConcurrency(concurrency: number): Promise<void> {
    const { version: _, ...limits } = (await this.#queue.limits()) ?? { version: 0 };
    await this.#queue.setLimits({ ...limits, concurrency });
  }

  async getJobSchedulers() {
    const all = await this.#queue.schedules();
    return all.map(({ name, cron, every, timezone, next, count, data }) => ({
      ...{ id: name, name, next: next.getTime(), template: { data } },
      ...(cron !== undefined && { pattern: cron }),
      ...(every !== undefined && { every }),
      ...(timezone !== undefined && { tz: timezone }),
      ...(count !== undefined && { limit: count }),
    }));
  }

  async getJobSchedulersCount(): Promise<number> {
    return (await this.#queue.schedules()).length;
  }

  removeJobScheduler(id: string): Promise<boolean> {
    return this.#queue.unschedule(id);
  }

  override get supportsJobSchedulerRun(): boolean {
    return true;
  }

  async runJobSchedulerNow(id: string): Promise<QueueJob | 'not-found'> {
    const added = await this.#queue.runSchedule(id);
    return (added !== undefined && (await this.getJob(added))) || 'not-found';
  }

  async updateJobScheduler(): Promise<never> {
    throw new Error('Change the schedule where the program sets it.');
  }

  /** Those that are delayed now, of which one that begins meanwhile needs no more. */
  async promoteAll(): Promise<void> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.#queue.list('delayed', { limit: 500, after });
      ids.push(...page.tasks.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    await Promise.all(ids.map((id) => this.#queue.promote(id)));
  }

  async getMetrics() {
    const { completed } = (await this.#queue.counts()).totals;
    return { meta: { count: completed, prevTS: Date.now(), prevCount: 0 }, data: [], count: 0 };
  }

  /** Its users need no right to INFO. */
  async getRedisInfo(): Promise<null> {
    return null;
  }

  async #page(state: TaskState | undefined, start: number, end: number): Promise<QueueJob[]> {
    if (state === undefined) return [];
    const { tasks } = await this.#queue.list(state, { limit: Math.min(end + 1, 1_000) });
    const found = await Promise.all(tasks.slice(start).map(({ id }) => this.getJob(id)));
    return found.filter((job) => job !== undefined);
  }
}
