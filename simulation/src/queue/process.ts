/**
 * A process that adds tasks, works on them, or both.
 *
 * Guarantees: it uses only what users use. An error that no user should see in a correct deployment is a violation.
 */
import type { Deferral, Queue, Task, TaskOutcome, Worker } from '@holdfast/queue';
import type { Latch } from '@holdfast/queue/latch';
import type { RemoteDelivery } from '@holdfast/queue/remote';
import type { Actor } from '../run/crew.js';
import type { Subject } from '../run/subject.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { codecOf } from './codec.js';
import type { SimulatedHolder } from './holders.js';
import { LATCH_COUNT } from './latches.js';
import { EFFECTS, followUpId, isFollowUp } from './names.js';
import { giveNonsense, NONSENSE } from './nonsense.js';
import type { QueueOracle } from './oracle.js';
import { type QueuePlan, type QueueStep, UNIQUE, type WorkPlan } from './plan.js';
import { RemoteProgram } from './remote.js';
import { limitsOf, timesOf, workOf } from './settings.js';

export interface QueueProcessOptions {
  readonly world: World<QueuePlan>;
  readonly plan: QueuePlan;
  readonly subject: Subject;
  readonly oracle: QueueOracle;
  readonly place: number;
  readonly life: number;
  /** What the remote program of this place has, whichever process it has asked. */
  readonly handles: Set<RemoteDelivery>;
}

type Data = { readonly name: string; readonly note?: number };
type Result = { readonly name: string; readonly token: number };

/** A task with an id is the same for as long as anybody may repeat its add, in ms. */
const REPEATED = 600_000;

export class QueueProcess implements Actor<QueueStep> {
  readonly machine: Machine;
  readonly queue: Queue<Data, Data>;
  readonly #options: QueueProcessOptions;
  readonly #latch: Latch;
  #worker: Worker | undefined;
  #remote: RemoteProgram | undefined;
  /** Of the tasks that it has added, by name. */
  readonly #ids = new Map<string, string>();
  /** Names of the tasks that it has put off. */
  readonly #deferred = new Set<string>();
  /** Resolves when the schedule is set. */
  #scheduling = Promise.resolve();

  constructor(options: QueueProcessOptions) {
    const { world, plan, subject, place, life } = options;
    this.#options = options;
    this.machine = world.start(place, life);
    const { clock, random } = this.machine;
    const { attempts, backoff, timeout } = plan.queue;
    const limits = limitsOf(plan, place);
    const retries = plan.clients[place]?.retries;
    const redis = world.connect(place, world.store);
    const codec = codecOf(world, place, this.machine);
    this.#latch = subject.createLatch({ redis, name: 'l', callTimeout: timeout, clock });
    this.queue = subject.createQueue<Data, Data>({
      redis,
      name: 'q',
      attempts,
      backoff: { type: 'constant', delay: backoff },
      callTimeout: timeout,
      guard: { window: plan.failsOver ? 5_000 : 50 }, // clocks of two servers may be far apart
      ...(limits && { limits }),
      ...(codec && { codec }),
      ...(retries !== undefined && { retry: { within: Math.ceil(retries) } }),
      clock,
      random,
    });
  }

  get isWorking(): boolean {
    return this.#worker !== undefined;
  }

  sleep(duration: number): Promise<void> {
    return new Promise((resolve) => {
      this.machine.clock.after(duration, resolve);
    });
  }

  /** With the grace of the plan, unless another is given. */
  startWorker(grace?: number): void {
    const { subject, plan, place } = this.#options;
    const { worker: settings, batch, wrongBackoff } = plan.clients[place] ?? {};
    if (settings === undefined) return;
    this.#worker = subject.createWorker({
      queue: this.queue,
      ...settings,
      ...(grace !== undefined && { grace }),
      ...(wrongBackoff && { backoff: giveNonsense }),
      name: this.machine.name,
      ...(batch
        ? { batch: { ...batch, handler: (tasks: readonly Task<Data>[]) => this.#handleAll(tasks) } }
        : { handler: (task: Task<Data>) => this.#handle(task) }),
      onError: (error) => this.#judgeReport(error),
    });
  }

  /** Until all is healed, it claims; afterwards it ends what is left. */
  startRemote(): void {
    const { world, subject, plan, place, oracle, handles } = this.#options;
    const { machine, queue } = this;
    const { remote } = plan.clients[place] ?? {};
    if (remote === undefined) return;
    const judge = (error: unknown): void => this.#judge(error);
    const work = (name: string): WorkPlan => workOf(plan, name);
    this.#remote = new RemoteProgram(
      { openRemote: subject.openRemote, queue, plan: remote, machine, oracle, handles, work, judge },
      { claims: world.scheduler.now < plan.healAt * 1_000 },
    );
  }

  async stopRemote(): Promise<void> {
    await this.#remote?.stop();
  }

  /** Stops its worker, and starts another in its place. */
  async restartWorker(grace?: number): Promise<void> {
    await this.stopWorker();
    this.startWorker(grace);
  }

  /** Its worker claims no more. */
  async rest(): Promise<void> {
    this.#worker?.pause();
  }

  /** Its worker asks for tasks although nobody has told it of any. */
  ask(): void {
    this.#worker?.resume();
  }

  async stopWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.note('stops its worker');
    await worker?.stop();
    this.note('has stopped its worker');
  }

  async perform(step: QueueStep, goesOn: () => boolean): Promise<void> {
    await this.sleep(step.after);
    try {
      if (step.f === 'add') await this.add(step);
      else if (step.f === 'fan') await this.#fan(step);
      else if (step.f === 'hold') await this.#hold(step);
      else if (step.f === 'pause') await this.#pause(step.for, goesOn);
      else await this.#operate(step);
    } catch (error) {
      this.#judge(error);
    }
  }

  /** A task with an id is added until it is certain that it is. Rejects if that is not known of another. */
  async add(step: Omit<QueueStep & { f: 'add' }, 'f' | 'after'>): Promise<void> {
    const { name, id, isShared, deduplicate, expires, timeout, retain, key, tenant, delay, priority } = step;
    const options = {
      ...(id !== undefined && { id, deduplicate: { key: name, within: REPEATED } }),
      ...(deduplicate && { deduplicate }),
      ...(expires !== undefined && { expires }),
      ...(timeout !== undefined && { timeout }),
      ...(retain && { retain }),
      ...(key !== undefined && { key }),
      ...(tenant !== undefined && { tenant }),
      ...(delay > 0 && { delay }),
      ...(priority > 0 && { priority }),
    };
    for (;;) {
      try {
        const { id: known } = await this.queue.add({ name }, options);
        this.#ids.set(name, known);
        this.note(`has added ${name}`);
        this.#options.oracle.acknowledged(name, isShared || deduplicate !== undefined);
        return;
      } catch (error) {
        if (id === undefined) throw error;
        this.#judge(error);
        await this.sleep(20);
      }
    }
  }

  /** Tasks and their follow-up are added until it is certain that they are. */
  async #fan({ name, tasks, cancels, holds }: QueueStep & { f: 'fan' }): Promise<void> {
    const id = followUpId(name);
    const members = tasks.map(({ name, key, delay, priority, expires }) => ({
      data: { name },
      options: {
        ...{ delay, priority },
        ...(key !== undefined && { key }),
        ...(expires !== undefined && { expires }),
      },
    }));
    const options = { id, deduplicate: { key: name, within: REPEATED } };
    const holder = holds === undefined ? undefined : await this.#hasHeld(holds);
    const all = { followUp: { data: { name: id }, options }, ...(holder && { holder }) };
    const isAdded = await this.#insist(() => this.queue.addMany(members, all));
    if (!isAdded) return;
    this.note(`has added the tasks of ${id}`);
    for (const each of [id, ...tasks.map(({ name }) => name)]) this.#options.oracle.acknowledged(each, false);
    if (cancels === undefined) return;
    await this.sleep(cancels.after);
    await this.queue.cancel(cancels.id, { reason: name });
  }

  async #hold({ names, for: duration }: QueueStep & { f: 'hold' }): Promise<void> {
    const holder = await this.#hasHeld(duration);
    await this.queue.addMany(
      names.map((name) => ({ data: { name } })),
      { holder },
    );
    for (const name of names) this.#options.oracle.acknowledged(name, false);
  }

  /** Takes a token, and has had it for so long. */
  async #hasHeld(duration: number): Promise<SimulatedHolder> {
    const holder = this.#options.oracle.holders.issue();
    await this.sleep(duration);
    return holder;
  }

  /** Adds a task; again where its process has not been ready in time, so that nothing was done. */
  async addOnceReady(step: Omit<QueueStep & { f: 'add' }, 'f' | 'after'>): Promise<void> {
    for (;;) {
      try {
        await this.add(step);
        return;
      } catch (error) {
        if (!String(error).includes('nothing was done')) throw error;
        this.#judge(error);
        await this.sleep(20);
      }
    }
  }

  /** What was asked for before is carried out first: otherwise the schedule might be set after this. */
  async unschedule(name: string): Promise<void> {
    await this.#scheduling;
    await this.#insist(() => this.queue.unschedule(name));
  }

  async schedule(name: string, every: number): Promise<void> {
    const times = timesOf(this.#options.plan, every);
    this.#scheduling = this.#insist(() => this.queue.schedule(name, { name: 'tick' }, times)).then(() => {});
    await this.#scheduling;
  }

  async resume(): Promise<void> {
    await this.#insist(() => this.queue.resume());
  }

  close(): Promise<void> {
    return this.queue.close();
  }

  note(what: string): void {
    this.#options.world.note(this.machine.name, what);
  }

  async #pause(duration: number, goesOn: () => boolean): Promise<void> {
    await this.queue.pause().catch((error) => this.#judge(error));
    await this.sleep(goesOn() ? duration : 0);
    await this.resume();
  }

  /** What may be asked of any queue; the oracle judges the answers where they are given. */
  async #operate(step: Exclude<QueueStep, { f: 'add' | 'pause' | 'fan' | 'hold' }>): Promise<void> {
    switch (step.f) {
      case 'remove':
        return void (await this.queue.remove(step.id));
      case 'cancel': {
        const id = this.#ids.get(step.name);
        if (id !== undefined) await this.queue.cancel(id, { reason: step.name });
        return;
      }
      case 'reschedule': {
        const id = this.#ids.get(step.name);
        if (id !== undefined) await this.queue.reschedule(id, { delay: Math.round(step.delay) });
        return;
      }
      case 'change': {
        const { name, note, priority } = step;
        const id = this.#ids.get(name);
        const changes = {
          ...(note !== undefined && { data: { name, note } }),
          ...(priority !== undefined && { priority }),
        };
        if (id !== undefined) await this.queue.change(id, changes);
        return;
      }
      case 'count down':
        return this.#countDown(step.id);
      case 'await latch':
        return this.#awaitLatch(step.for);
      case 'get':
        return void (await this.queue.get(step.id));
      case 'requeue':
        return void (await this.queue.requeue(step.id));
      case 'wait':
        return this.#wait(step.id, step.for);
      case 'watch':
        return this.#watch(step.for);
      case 'purge':
        return void (await this.queue.purge(step.state));
      case 'run':
        return void (await this.queue.runSchedule('tick'));
      case 'limit': {
        const { version: _, ...limits } = limitsOf(this.#options.plan, 0) ?? {};
        return void (await this.queue.setLimits({ ...limits, version: 3 }));
      }
      case 'weigh':
        return this.queue.weigh(step.tenant, step.weight);
      case 'release':
        return void (await this.queue.release(UNIQUE));
      case 'announce':
        return this.queue.announce(step.kinds);
      case 'obliterate':
        return this.queue.obliterate({ confirm: 'q', force: true });
      case 'operate': {
        await this.queue.counts();
        await this.queue.schedules();
        await this.queue.list('waiting', { limit: 1_000 });
        const { tasks } = await this.queue.list('dead', { limit: 1 });
        for (const { id } of tasks) await this.queue.requeue(id);
      }
    }
  }

  async #countDown(id: string): Promise<void> {
    const { latches } = this.#options.oracle;
    await this.#insist(async () => {
      await this.#latch.open(LATCH_COUNT);
      latches.counts(id);
      await this.#latch.countDown(id);
    });
    latches.counted(id);
  }

  async #awaitLatch(timeout: number): Promise<void> {
    await this.#insist(() => this.#latch.open(LATCH_COUNT));
    const ends = this.#options.oracle.latches.waits();
    ends(await this.#latch.wait({ timeout: Math.ceil(timeout) }));
  }

  async #watch(duration: number): Promise<void> {
    const controller = new AbortController();
    this.machine.clock.after(duration, () => controller.abort());
    let before = '';
    for await (const { kind, id, cursor } of this.queue.events({ signal: controller.signal })) {
      if (this.#options.world.isTraced) this.note(`reads that ${id} is ${kind}`);
      this.#options.oracle.reads(before, cursor);
      before = cursor;
    }
  }

  /** However it ends: the task may fail, be removed, or take longer. */
  async #wait(id: string, duration: number): Promise<void> {
    const controller = new AbortController();
    const timer = this.machine.clock.after(duration, () => controller.abort());
    await this.queue.wait(id, { signal: controller.signal }).catch((error) => {
      if (!(error instanceof Error && 'code' in error)) throw error;
    });
    timer.cancel();
  }

  /** Until it is done: resolves to true. Or until it is too late, because its holder is: then to false. */
  async #insist(what: () => Promise<unknown>): Promise<boolean> {
    for (;;) {
      try {
        await what();
        return true;
      } catch (error) {
        this.#judge(error);
        if ((error as { code?: string }).code === STALE) return false;
        await this.sleep(20);
      }
    }
  }

  /** Of a batch: what is no proper error has to be one here. */
  #handleAll(tasks: readonly Task<Data>[]): Promise<readonly unknown[]> {
    const outcome = (task: Task<Data>): Promise<unknown> =>
      this.#handle(task).catch((error: unknown) => (error instanceof Error ? error : new Error('planned')));
    return Promise.all(tasks.map(outcome));
  }

  async #handle(task: Task<Data>): Promise<Result | Deferral> {
    const { oracle, plan, subject } = this.#options;
    const work = workOf(plan, task.data.name);
    const { takes, steps, fails, fatal, heedless, progress, defers, nonsense, unkeepable } = work;
    if (this.#options.world.isTraced) {
      const left = task.lease.remaining().toFixed(1);
      this.note(
        `begins ${task.data.name} (${task.id}), attempt ${task.attempt}, under ${task.token}, for ${left} ms`,
      );
    }
    void task.signal;
    oracle.begins(task, this.machine);
    try {
      for (let step = 0; step < steps; step += 1) {
        if (takes > 0) await this.sleep(takes / steps);
        if (!heedless && task.signal.aborted) throw task.signal.reason;
        if (progress) {
          await task.progress(step).catch((error: unknown) => this.#judge(error));
          await task.log(`step ${step}`).catch((error: unknown) => this.#judge(error));
        }
      }
      if (defers !== undefined && !this.#deferred.has(task.data.name)) {
        this.#deferred.add(task.data.name);
        return task.defer(defers);
      }
      if (isFollowUp(task.id)) oracle.gathers(task, await this.#outcomes(task));
      if (fatal) throw new subject.NonRetryableError('planned');
      if (task.attempt <= fails) throw nonsense === undefined ? new Error('planned') : NONSENSE[nonsense]?.();
      const { name } = task.data;
      task.effect('HINCRBY', EFFECTS, name === 'tick' ? task.id : name, 1);
      return { name, token: unkeepable ? (BigInt(task.token) as never) : task.token };
    } finally {
      if (this.#options.world.isTraced) this.note(`has handled ${task.data.name}`);
      oracle.ends(task);
    }
  }

  async #outcomes(task: Task<Data>): Promise<readonly TaskOutcome[]> {
    const outcomes: TaskOutcome[] = [];
    for await (const outcome of task.outcomes()) outcomes.push(outcome);
    return outcomes;
  }

  /** What the worker reports: what it cannot reach, and what is wrong with handlers and backoffs of the plan. */
  #judgeReport(error: unknown): void {
    const text = error instanceof Error ? error.message : '';
    if (/^backoff is a function/.test(text) || /its result was not kept/.test(text)) return;
    this.#judge(error);
  }

  #judge(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    this.note(`is told: ${error instanceof Error ? error.message : error}`);
    const isBusy = error instanceof Error && error.message.startsWith('A worker has task');
    const isOfCodec = code === 'HOLDFAST_CODEC' && this.#options.plan.queue.codec !== undefined;
    if (!EXPECTED.includes(code) && !isBusy && !isOfCodec)
      this.#options.oracle.violate('error', String(error));
  }
}

/** A token that has been overtaken, or that a server cannot judge which has forgotten. */
const STALE = 'HOLDFAST_STALE_TOKEN';

/** What a correct deployment may tell a user who does nothing wrong. */
const EXPECTED = [
  ...['HOLDFAST_UNAVAILABLE', 'HOLDFAST_LEASE_LOST', 'HOLDFAST_ABORTED'],
  ...['HOLDFAST_TASK_CANCELLED', 'HOLDFAST_TASK_TIMEOUT'],
  STALE,
  'HOLDFAST_LATCH_GONE',
];
