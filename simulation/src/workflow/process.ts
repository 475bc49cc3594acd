/**
 * A process that starts runs, and does something to them, works on them, or both.
 *
 * Guarantees: it uses only what users use. An error that no user should see in a correct deployment is a violation.
 */
import type { RedisGuard } from '@holdfast/fence/redis';
import type { Run, Step, Worker, Workflows } from '@holdfast/workflow';
import type { Actor } from '../run/crew.js';
import type { Subject } from '../run/subject.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { answerTo, makeWorkflows, type ProgramWorkflows } from './function.js';
import { dataKey } from './guarded.js';
import { APP, lineOf, runOf, TERMINATED } from './names.js';
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
  ].map((word) => `HOLDFAST_${word}`),
);
/** Of every run. */
const STREAM = 'log';
const GONE = 'HOLDFAST_RUN_GONE';
const UNAVAILABLE = 'HOLDFAST_UNAVAILABLE';

export class WorkflowProcess implements Actor<WorkflowStep> {
  readonly machine: Machine;
  readonly app: Workflows;
  readonly #options: WorkflowProcessOptions;
  readonly #workflows: ProgramWorkflows;
  readonly #guard: RedisGuard;
  #worker: Worker | undefined;

  constructor(options: WorkflowProcessOptions) {
    const { world, subject, place, life } = options;
    const { timeout, backoff } = world.plan.workflow;
    this.#options = options;
    this.machine = world.start(place, life);
    const { clock, random } = this.machine;
    this.#workflows = makeWorkflows(subject, {
      runBody: (step, name, body) => this.#run(step, name, body),
      backoff,
    });
    this.app = subject.createWorkflows({
      redis: world.connect(place, world.store),
      name: APP,
      workflows: Object.values(this.#workflows),
      callTimeout: timeout,
      clock,
      random,
    });
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
    const { id, key, program, priority = 0, delay = 0 } = of;
    const expires = of.expires && this.#options.world.store.time() / 1_000 + of.expires;
    const options = { id, priority, delay, ...(key !== undefined && { key }), ...(expires && { expires }) };
    await this.#insist(() => this.app.start(this.#workflows.tree, program, options));
    this.note(`has started ${runOf(of)}`);
    this.#options.oracle.acknowledged(runOf(of));
  }

  /** Sends the message of that number, until that is certain. */
  async send(to: RunOfPlan, number: number): Promise<void> {
    const id = messageOf(to, number);
    await this.#insist(() => this.#get(to).send('go', id, { id }));
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
    const patience = new AbortController();
    const timer = this.machine.clock.after(duration, () => patience.abort());
    try {
      const value = await this.#get(of).result({ signal: patience.signal });
      this.#options.oracle.told(runOf(of), value);
    } finally {
      timer.cancel();
    }
  }

  async #ask(to: RunOfPlan, number: number, timeout: number): Promise<void> {
    const id = messageOf(to, number);
    const answer = await this.#get(to).ask('go', id, { id, timeout });
    if (answer !== answerTo(id))
      this.#options.oracle.violate('answers', `${id} was answered with ${JSON.stringify(answer)}`);
  }

  async #read(of: RunOfPlan, duration: number): Promise<void> {
    const patience = new AbortController();
    const timer = this.machine.clock.after(duration, () => patience.abort());
    const reading = new Reading((rule, message) => this.#options.oracle.violate(rule, message));
    try {
      for await (const item of this.#get(of).stream<string>(STREAM, { signal: patience.signal }))
        reading.item(item.step, item.kind === 'chunk' ? item.chunk : undefined);
    } finally {
      timer.cancel();
    }
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
  async #run(step: Step, name: string, body: BodyPlan): Promise<string> {
    const { oracle, world, subject } = this.#options;
    const { takes, fails, fatal, heedless, guarded, chunks = 0 } = body;
    if (world.isTraced) {
      const left = step.lease.remaining().toFixed(1);
      this.note(
        `begins ${name} of ${step.resource}, attempt ${step.attempt}, under ${step.token}, for ${left} ms`,
      );
    }
    void step.signal;
    oracle.begins(step, { name, machine: this.machine });
    try {
      if (takes > 0) await this.sleep(takes);
      if (!heedless && step.signal.aborted) throw step.signal.reason;
      for (let index = 0; index < chunks; index += 1)
        await step.stream(STREAM).write(`${step.token} ${index}`);
      if (guarded) await this.#write(step, name);
      if (fatal) throw new subject.NonRetryableError(PLANNED);
      if (step.attempt <= fails) throw new Error(PLANNED);
      return name;
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
  async #insist(what: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await what();
        return;
      } catch (error) {
        if (codeOf(error) !== UNAVAILABLE) throw error;
        this.note(`is told: ${(error as Error).message}`);
        await this.sleep(20);
      }
    }
  }

  #judge(error: unknown): void {
    this.note(`is told: ${error instanceof Error ? error.message : error}`);
    const code = codeOf(error);
    // Of a run that was not started, or that the server has forgotten.
    if (!EXPECTED.has(code) && code !== GONE) this.#options.oracle.violate('error', String(error));
  }
}

const messageOf = ({ id }: RunOfPlan, number: number): string => `${id}.m${number}`;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';
