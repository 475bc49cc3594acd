/**
 * A process that starts runs, and does something to them, works on them, or both.
 *
 * Guarantees: it uses only what users use. An error that no user should see in a correct deployment is a violation.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { Run, StartOptions, Step, Worker, Workflows } from '@holdfast/workflow';
import type { Actor } from '../run/crew.js';
import type { Subject } from '../run/subject.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { EFFECTS, effectOf } from './effects.js';
import { answerTo, makeWorkflows, type ProgramWorkflows, resultOf } from './function.js';
import { dataKey } from './guarded.js';
import { APP, lineOf, runOf, TERMINATED } from './names.js';
import { ARCHIVE_IS_FULL, Operator } from './operator.js';
import type { WorkflowOracle } from './oracle.js';
import type { RunOfPlan, StartPlan, WorkflowPlan, WorkflowStep } from './plan.js';
import { type BodyPlan, PLANNED, receipts } from './program.js';
import { Reading } from './streams.js';

export interface WorkflowProcessOptions {
  readonly world: World<WorkflowPlan>;
  readonly subject: Subject;
  readonly oracle: WorkflowOracle;
  readonly place: number;
  readonly life: number;
}

/** What a correct deployment may tell a user who does nothing wrong. */
const EXPECTED = new Set(
  [
    'UNAVAILABLE',
    'LEASE_LOST',
    'ABORTED',
    'STALE_TOKEN',
    'RUN_FAILED',
    'RUN_CANCELLED',
    'RUN_STUCK',
    'UNANSWERED',
    'RUNS_FULL',
  ].map((word) => `HOLDFAST_${word}`),
);
/** Of every run. */
const STREAM = 'log';
const GONE = 'HOLDFAST_RUN_GONE';
const UNAVAILABLE = 'HOLDFAST_UNAVAILABLE';
const FULL = 'HOLDFAST_RUNS_FULL';
/** How often a call is repeated that lets no more runs wait: those that there are may wait for whoever calls. */
const PATIENCE = 20;
/** For how long runs are kept that are over, in ms. */
const RETAIN = 600_000;

export class WorkflowProcess implements Actor<WorkflowStep> {
  readonly machine: Machine;
  readonly app: Workflows;
  readonly operator: Operator;
  readonly #options: WorkflowProcessOptions;
  readonly #workflows: ProgramWorkflows;
  readonly #guard: RedisGuard;
  #worker: Worker | undefined;

  constructor(options: WorkflowProcessOptions) {
    const { world, subject, place, life } = options;
    const { timeout, backoff, pinned, limits, archives } = world.plan.workflow;
    this.#options = options;
    this.machine = world.start(place, life);
    const { clock, random } = this.machine;
    this.operator = new Operator({
      oracle: options.oracle,
      sleep: (duration) => this.sleep(duration),
      insist: (what) => this.#insist(what),
      judge: (error) => this.#judge(error),
    });
    this.#workflows = makeWorkflows(subject, {
      runBody: (step, name, body, isOnce = false) => this.#run(step, { name, body, isOnce }),
      ...{ backoff, pinned, limits, queue: this.operator.queue },
      build: world.plan.clients[place]?.build ?? 0,
    });
    this.app = subject.createWorkflows({
      redis: world.connect(place, world.store),
      name: APP,
      workflows: Object.values(this.#workflows),
      callTimeout: timeout,
      clock,
      random,
      ...(archives && { archive: this.operator.archive, retain: RETAIN }),
    });
    this.operator.take(this.app, this.#workflows.tree);
    this.#guard = subject.createRedisGuard({
      redis: world.connect(place, world.store),
      callTimeout: timeout,
      clock,
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

  startWorker(): void {
    const { world, place } = this.#options;
    const settings = world.plan.clients[place]?.worker;
    if (settings === undefined) return;
    this.#worker = this.app.work({ ...settings, onError: (error) => this.#judge(error) });
  }

  /** One with little to do, so that much time can pass. */
  startCalmWorker(lease: number): void {
    const onError = (error: unknown): void => this.note(`is told: ${error}`);
    this.#worker = this.app.work({ lease, onError });
  }

  /** Stops its worker, and starts another in its place. */
  async restartWorker(): Promise<void> {
    await this.stopWorker();
    this.startWorker();
  }

  async stopWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.note('stops its worker');
    await worker?.stop();
    this.note('has stopped its worker');
  }

  async perform(step: WorkflowStep): Promise<void> {
    await this.sleep(step.after);
    try {
      await this.#do(step);
    } catch (error) {
      this.#judge(error);
    }
  }

  /** Says that the guard's data are new. */
  async initialize(): Promise<void> {
    await this.#guard.initialize().catch((error) => this.#judge(error));
  }

  /** Until it is certain that it is started. */
  async start(of: StartPlan): Promise<void> {
    const options = this.#optionsOf(of);
    await this.#insist(() => this.app.start(this.#workflows.tree, of.program, options));
    this.note(`has started ${runOf(of)}`);
    this.#options.oracle.acknowledged(runOf(of));
  }

  #optionsOf({ id, key, priority = 0, delay = 0, expires: within }: StartPlan): StartOptions {
    const expires = within && this.#options.world.store.time() / 1_000 + within;
    return { id, priority, delay, ...(key !== undefined && { key }), ...(expires && { expires }) };
  }

  /** Starts it and waits for its result; then it is certain that it is started. */
  async #startAndWait(of: StartPlan, duration: number): Promise<void> {
    const options = this.#optionsOf(of);
    try {
      await this.#within(duration, async (signal) => {
        const value = await this.app.run(this.#workflows.tree, of.program, { ...options, signal });
        this.#options.oracle.told(runOf(of), value);
      });
    } finally {
      await this.start(of);
    }
  }

  /** Sends the message of that number, until that is certain. */
  async send(to: RunOfPlan, number: number): Promise<void> {
    const id = messageOf(to, number);
    const isTaken = await this.#insist(() => this.#get(to).send('go', id, { id }));
    if (isTaken) this.#options.oracle.sent(runOf(to), id);
  }

  /** All messages that a run can take; those that it has had before count once. */
  async sendAll(of: StartPlan): Promise<void> {
    for (let number = 0; number < receipts(of.program); number += 1)
      await this.send(of, number).catch((error) => this.#judge(error));
  }

  /** Lets a run go on that is stuck. */
  async retry(of: RunOfPlan): Promise<void> {
    await this.#insist(() => this.#get(of).retry()).catch((error) => this.#judge(error));
  }

  /** Answers what a run waits for people to approve. */
  async approveAll(of: RunOfPlan): Promise<void> {
    await this.operator.approveAll(this.#get(of), 'tending').catch((error) => this.#judge(error));
  }

  async close(): Promise<void> {
    await Promise.all([this.app.close(), this.#guard.close()]);
  }

  note(what: string): void {
    this.#options.world.note(this.machine.name, what);
  }

  #get({ id, key }: RunOfPlan): Run {
    return this.app.get(this.#workflows.tree, id, key === undefined ? {} : { key });
  }

  async #do(step: WorkflowStep): Promise<void> {
    switch (step.f) {
      case 'start':
        return this.start(step);
      case 'run':
        return this.#startAndWait(step, step.for);
      case 'publish':
        return this.operator.publish(step, step.times);
      case 'approve':
        await Promise.all(step.by.map((by) => this.operator.approveAll(this.#get(step.to), by)));
        return;
      case 'inspect':
        return this.operator.inspect();
      case 'many':
        return this.operator.many(step.what, step.what === 'terminate' ? TERMINATED : 'the plan');
      case 'schedule':
        return this.operator.schedule(step);
      case 'history':
        return this.operator.history(this.#get(step.to), runOf(step.to));
      case 'state':
        return this.#state(step.to);
      case 'send':
        return this.send(step.to, step.number);
      case 'ask':
        return this.#ask(step.to, step.number, step.for);
      case 'read':
        return this.#read(step.to, step.for);
      case 'fork':
        return void (await this.#insist(() => this.#get(step.of).fork({ id: step.id })));
      case 'pause':
        return this.#pause(step.for);
      case 'retry':
        return void (await this.#get(step.to).retry());
      case 'terminate':
        return void (await this.#get(step.to).terminate(TERMINATED));
      case 'purge':
        return void (await this.#get(step.to).purge());
      case 'cancel':
        return void (await this.#get(step.to).cancel('the plan'));
      case 'get':
        return void (await this.#get(step.to).status());
      case 'result':
        return this.#await(step.to, step.for);
    }
  }

  /** However it ends: the run may fail, be cancelled, or take longer. */
  async #await(of: RunOfPlan, duration: number): Promise<void> {
    await this.#within(duration, async (signal) => {
      const value = await this.#get(of).result({ signal });
      this.#options.oracle.told(runOf(of), value);
    });
  }

  /** With a signal that aborts after so many ms. */
  async #within(duration: number, what: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const patience = new AbortController();
    const timer = this.machine.clock.after(duration, () => patience.abort());
    try {
      await what(patience.signal);
    } finally {
      timer.cancel();
    }
  }

  async #state(of: RunOfPlan): Promise<void> {
    const run = this.#get(of);
    const program = this.#options.oracle.journals.of(runOf(of))?.before?.program;
    // It may have gone on with another program meanwhile.
    const now = this.#options.oracle.journals.of(runOf(of))?.program;
    if (now) await this.operator.state(run, program ? { f: 'all', parts: [program, now] } : now);
  }

  async #ask(to: RunOfPlan, number: number, timeout: number): Promise<void> {
    const id = messageOf(to, number);
    const answer = await this.#get(to).ask('go', id, { id, timeout });
    if (answer !== answerTo(id))
      this.#options.oracle.violate('answers', `${id} was answered with ${JSON.stringify(answer)}`);
  }

  async #read(of: RunOfPlan, duration: number): Promise<void> {
    const reading = new Reading((rule, message) => this.#options.oracle.violate(rule, message));
    await this.#within(duration, async (signal) => {
      for await (const item of this.#get(of).stream<string>(STREAM, { signal }))
        reading.item(item.step, item.kind === 'chunk' ? item.chunk : undefined);
    });
  }

  async #pause(duration: number): Promise<void> {
    await this.app.pause(this.#workflows.tree);
    await this.sleep(duration);
    await this.resume();
  }

  async resume(): Promise<void> {
    await this.#insist(() => this.app.resume(this.#workflows.tree));
  }

  /** The body of a step. */
  async #run(step: Step, { name, body, isOnce }: Called): Promise<string> {
    const { oracle, world, subject } = this.#options;
    const { takes, fails, fatal, heedless, guarded, chunks = 0, pace = 0, effect, checkpoint } = body;
    if (world.isTraced) {
      const left = step.lease.remaining().toFixed(1);
      this.note(
        `begins ${name} of ${step.resource}, attempt ${step.attempt}, under ${step.token}, for ${left} ms`,
      );
    }
    void step.signal;
    oracle.begins(step, { name, machine: this.machine, isOnce, isUndoable: body.undo === true });
    try {
      if (checkpoint) await step.checkpoint(step.token);
      if (takes > 0) await this.sleep(takes);
      if (!heedless && step.signal.aborted) throw step.signal.reason;
      for (let index = 0; index < chunks; index += 1) {
        if (pace > 0) await this.sleep(pace);
        await step.stream(STREAM).write(`${step.token} ${index}`);
      }
      if (guarded) await this.#write(step, name);
      if (effect) step.effect('RPUSH', EFFECTS, effectOf(...placeOf(step)));
      if (fatal) throw new subject.NonRetryableError(PLANNED);
      if (step.attempt <= fails) throw new Error(PLANNED);
      return resultOf(name, body);
    } finally {
      if (world.isTraced) this.note(`has run ${name} of ${step.resource}`);
      oracle.bodies.ends(step);
    }
  }

  /** Tries until the store answers, or nobody relies on the step any more. */
  async #write(step: Step, name: string): Promise<void> {
    const run = step.resource.slice(step.resource.indexOf('/') + 1);
    const resource = lineOf(run) ?? run;
    const value = `${step.token} ${name} of ${run} by ${this.machine.name}`;
    for (;;) {
      try {
        const sealed = await this.#guard.seal(step, { resource });
        await sealed.write([['SET', dataKey(resource), value]]);
        this.#options.oracle.guarded.acknowledged(value);
        return;
      } catch (error) {
        if (codeOf(error) !== UNAVAILABLE || step.signal.aborted) throw error;
        await this.sleep(20);
      }
    }
  }

  /** Until it is done; throws what is no outage. */
  async #insist<T>(what: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await what();
      } catch (error) {
        const isPassing = codeOf(error) === UNAVAILABLE || (codeOf(error) === FULL && tries < PATIENCE);
        if (!isPassing) throw error;
        this.note(`is told: ${(error as Error).message}`);
        await this.sleep(20);
      }
    }
  }

  #judge(error: unknown): void {
    this.note(`is told: ${error instanceof Error ? error.message : error}`);
    const code = codeOf(error);
    if (error instanceof Error && error.message === ARCHIVE_IS_FULL) return;
    // Of a run that was not started, or that the server has forgotten.
    if (!EXPECTED.has(code) && code !== GONE) this.#options.oracle.violate('error', String(error));
  }
}

/** A call of a body. */
interface Called {
  readonly name: string;
  readonly body: BodyPlan;
  readonly isOnce: boolean;
}

/** The run of a step, its place there, and its token. */
function placeOf({ resource, idempotencyKey, token }: Step): readonly [string, string, number] {
  const run = resource.slice(resource.indexOf('/') + 1);
  return [run, idempotencyKey.slice(idempotencyKey.lastIndexOf('/') + 1), token];
}

const messageOf = ({ id }: RunOfPlan, number: number): string => `${id}.m${number}`;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';
