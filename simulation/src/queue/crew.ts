/**
 * All processes of a run of the queue, from the first step to the last: what the plan says; then, with the faults healed,
 * that all tasks end; then, when all is well, that each is begun promptly; then that everybody stops.
 *
 * Guarantees: a process that is killed is followed by another, which goes on with the steps that are left.
 */
import type { Subject } from '../run/subject.js';
import type { World } from '../world/world.js';
import { key } from './names.js';
import type { QueueOracle } from './oracle.js';
import type { QueuePlan, QueueStep } from './plan.js';
import { QueueProcess } from './process.js';

export interface QueueCrewOptions {
  readonly world: World<QueuePlan>;
  readonly plan: QueuePlan;
  readonly subject: Subject;
  readonly oracle: QueueOracle;
}

/** Within this time after healing all tasks have ended, in ms. */
const DRAINED = 300_000;

/** Within this time a task begins that is due while workers have nothing to do, in ms: before they look unasked. */
const PROMPT = 1_200;

const REMAINS: readonly (readonly [command: string, name: string])[] = [
  ['HLEN', 'tasks'],
  ['ZCARD', 'delayed'],
  ['ZCARD', 'joined'],
  ['ZCARD', 'lines'],
  ['ZCARD', 'paced'],
  ...[0, 1, 2, 3].map((level) => ['XLEN', `ready:${level}`] as const),
];

/** A grace that no worker may wait out which has nothing to hand back, and within which time it has stopped, in ms. */
const LONG_GRACE = 60_000;
const PROMPT_STOP = 4_000;

const SCHEDULE = 'tick';

/** In ms; long enough for every connection to be there again. */
const CALM = 3_000;

/** The same where tokens of another server wait for their time. */
const CALM_AFTER_FAILOVERS = 12_000;

export class QueueCrew {
  readonly #options: QueueCrewOptions;
  readonly #processes: QueueProcess[] = [];
  readonly #lives: number[] = [];
  readonly #left: QueueStep[][][];
  readonly #busy = new Set<string>();
  #healed = false;
  #phase: 'planned' | 'draining' | 'calm' | 'outage' | 'stopping' | 'done' = 'planned';

  constructor(options: QueueCrewOptions) {
    this.#options = options;
    this.#left = options.plan.clients.map(({ tasks }) => tasks.map((steps) => [...steps]));
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  /** True time at which a run that has not ended is stuck, in microseconds. */
  get deadline(): number {
    return (this.#options.plan.healAt + 3 * DRAINED) * 1000;
  }

  get whatIsLeft(): string {
    return [this.#phase, ...this.#busy, this.#remains].join(', ');
  }

  start(): void {
    const { plan, world } = this.#options;
    for (const place of plan.clients.keys()) this.#begin(place);
    for (const [place, { restarts }] of plan.clients.entries()) {
      for (const at of restarts) world.scheduler.at(at * 1000, () => this.#restartWorker(place));
    }
    const { every } = plan.queue;
    if (every !== undefined) this.#do(0, 'schedules', (process) => process.schedule(SCHEDULE, every));
  }

  kill(place: number, duration: number): void {
    const { world, oracle } = this.#options;
    const { machine } = this.#processes[place] as QueueProcess;
    if (!machine.alive) return;
    world.kill(place);
    oracle.died(machine);
    for (const task of [...this.#busy]) if (task.startsWith(`${machine.name}:`)) this.#busy.delete(task);
    world.scheduler.after(duration * 1000, () => this.#replace(place));
  }

  heal(): void {
    this.#healed = true;
    this.#processes.forEach(({ machine }, place) => {
      if (!machine.alive) this.#replace(place);
    });
    if (this.#options.plan.queue.every !== undefined)
      this.#do(0, 'unschedules', (process) => process.unschedule(SCHEDULE));
    // Who has paused the queue may have been killed since.
    this.#do(0, 'resumes', (process) => process.resume());
    this.#look();
  }

  close(): void {
    for (const process of this.#processes) {
      process.machine.run(() => void process.close().catch(() => {}));
    }
  }

  /** Something that a process does beside its steps. */
  #do(place: number, what: string, how: (process: QueueProcess) => Promise<void>): void {
    const process = this.#processes[place] as QueueProcess;
    const task = `${process.machine.name}:${what}`;
    if (!process.machine.alive) return;
    this.#busy.add(task);
    process.machine.run(() => void how(process).finally(() => this.#busy.delete(task)));
  }

  #restartWorker(place: number): void {
    if (this.#healed || !this.#processes[place]?.isWorking) return;
    this.#do(place, 'restarts', (process) => process.restartWorker());
  }

  #replace(place: number): void {
    if (!this.#processes[place]?.machine.alive) this.#begin(place);
  }

  #begin(place: number): void {
    const life = this.#lives[place] ?? 0;
    this.#lives[place] = life + 1;
    const process = new QueueProcess({ ...this.#options, place, life });
    this.#processes[place] = process;
    process.machine.run(() => process.startWorker());
    this.#left[place]?.forEach((steps, index) => {
      this.#do(place, String(index + 1), () => this.#carryOut(process, steps));
    });
  }

  async #carryOut(process: QueueProcess, steps: QueueStep[]): Promise<void> {
    while (!this.#healed) {
      const step = steps.shift();
      if (step === undefined) return;
      await process.perform(step, () => !this.#healed);
    }
  }

  /** Looks again and again whether the present phase is over. */
  #look(): void {
    const { world, oracle, plan } = this.#options;
    if (this.#busy.size === 0 && this.#phase === 'planned') {
      this.#phase = 'draining';
    }
    if (this.#phase === 'draining' && this.#isDrained) {
      this.#phase = 'calm';
      world.note('CREW', 'all is drained');
      const calm = plan.failsOver ? CALM_AFTER_FAILOVERS : CALM;
      world.scheduler.after(calm * 1000, () => this.#tryOut());
      return;
    }
    if (world.scheduler.now > (plan.healAt + DRAINED) * 1000) {
      oracle.violate(
        'stuck',
        `${this.whatIsLeft}: not all tasks have ended long after all faults were healed`,
      );
      this.#phase = 'done';
      return;
    }
    world.scheduler.after(50_000, () => this.#look());
  }

  get #isDrained(): boolean {
    return this.#remains === '';
  }

  /** What the server has that is still to end, and sessions of nobody. */
  get #remains(): string {
    const { server } = this.#options.world.store;
    const counts = REMAINS.map(
      ([command, name]) => [name, Number(server.execute(command, [key(name)]))] as const,
    );
    const sessions = Number(server.execute('ZCARD', [key('sessions')]));
    const working = this.#processes.filter(({ isWorking }) => isWorking).length;
    const left = counts.filter(([, count]) => count > 0);
    if (sessions !== working) left.push([`sessions for ${working} workers`, sessions]);
    const paused = this.#processes.filter(({ machine }) => machine.isPaused).length;
    if (paused > 0) left.push(['processes that are paused', paused]);
    return left.map(([name, count]) => `${count} ${name}`).join(', ');
  }

  /** Everybody adds a task that can begin later; and then, when nothing else wakes a worker, one that can begin at once. */
  #tryOut(): void {
    const { world } = this.#options;
    this.#addOneEach(300);
    world.scheduler.after(CALM * 1000, () => this.#addOneEach(0));
    world.scheduler.after(3 * CALM * 1000, () => {
      if (!this.#isDrained || this.#busy.size > 0)
        this.#options.oracle.violate('prompt', `all is well, but ${this.whatIsLeft} has not ended`);
      if (this.#options.plan.outage) this.#stopInOutage();
      else this.#stop();
    });
  }

  /** A worker that has nothing, and asks a server that it cannot reach, stops at once. Another takes its place. */
  #stopInOutage(): void {
    const { world, oracle, plan } = this.#options;
    this.#phase = 'outage';
    const process = this.#processes[0] as QueueProcess;
    process.machine.run(() => void process.restartWorker(LONG_GRACE));
    world.scheduler.after(CALM * 1000, () => {
      const away = 3 * plan.queue.timeout + 2 * PROMPT_STOP;
      world.inflict({ f: 'cut', at: 0, clients: [0], nodes: [0], direction: 'both', for: away });
      process.machine.run(() => process.ask());
      let isStopped = false;
      world.scheduler.after(3 * plan.queue.timeout * 1000, () => {
        process.machine.run(() => void process.stopWorker().then(() => (isStopped = true)));
      });
      world.scheduler.after((3 * plan.queue.timeout + PROMPT_STOP) * 1000, () => {
        if (!isStopped) oracle.violate('prompt', `${process.machine.name} has nothing, but has not stopped`);
      });
      // The server ends its session when the lease is over, and one who works notices.
      world.scheduler.after((away + CALM) * 1000, () => process.machine.run(() => process.startWorker()));
      const over = away + 3 * CALM + (plan.clients[0]?.worker?.lease ?? 0);
      world.scheduler.after(over * 1000, () => this.#stop());
    });
  }

  #addOneEach(delay: number): void {
    this.#processes.forEach((process, place) => {
      const name = `calm ${process.machine.name} ${delay}`;
      this.#do(place, name, () => this.#addPromptly(process, name, delay));
    });
  }

  async #addPromptly(process: QueueProcess, name: string, delay: number): Promise<void> {
    const { oracle, world } = this.#options;
    await process.addOnceReady({
      ...{ name, id: undefined, isShared: false, deduplicate: undefined, expires: undefined },
      ...{ key: undefined, delay, priority: 0 },
      work: { takes: 0, steps: 1, fails: 0, fatal: false, heedless: false, progress: false },
    });
    const due = world.scheduler.now / 1000 + delay;
    world.scheduler.at((due + PROMPT) * 1000, () => {
      if (!oracle.began.has(name)) {
        oracle.violate('prompt', `${name} could begin ${PROMPT} ms ago, and nobody has begun it`);
      }
    });
  }

  #stop(): void {
    const { world, oracle } = this.#options;
    this.#phase = 'stopping';
    oracle.judgeEnds();
    this.#processes.forEach((process, place) => {
      if (process.isWorking) this.#do(place, 'stops', () => process.stopWorker());
    });
    world.scheduler.after(2_000_000, () => {
      if (this.#busy.size > 0) oracle.violate('stuck', `${this.whatIsLeft} has not ended`);
      this.#phase = 'done';
    });
  }
}
