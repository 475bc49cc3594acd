/**
 * What happens besides the steps of the plan, a schedule and restarts of workers, and what follows them: with the faults
 * healed, all tasks end; then, when all is well, each is begun promptly; then everybody stops, and nothing is left.
 */
import type { Crew } from '../run/crew.js';
import type { Phases } from '../run/part.js';
import type { World } from '../world/world.js';
import { FILL, key } from './names.js';
import type { QueueOracle } from './oracle.js';
import type { QueuePlan, QueueStep } from './plan.js';
import type { QueueProcess } from './process.js';
import { judgeQueueRemains } from './remains.js';

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
  ['HLEN', 'fans'],
  ['HLEN', 'members'],
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

export class QueuePhases implements Phases {
  readonly #world: World<QueuePlan>;
  readonly #oracle: QueueOracle;
  readonly #crew: Crew<QueueStep, QueueProcess>;
  #phase: 'planned' | 'draining' | 'calm' | 'outage' | 'stopping' | 'done' = 'planned';

  constructor(world: World<QueuePlan>, oracle: QueueOracle, crew: Crew<QueueStep, QueueProcess>) {
    this.#world = world;
    this.#oracle = oracle;
    this.#crew = crew;
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  get deadline(): number {
    return (this.#world.plan.healAt + 3 * DRAINED) * 1000;
  }

  get whatIsLeft(): string {
    return [this.#phase, ...this.#crew.busy, this.#remains].join(', ');
  }

  start(): void {
    const { plan, scheduler } = this.#world;
    for (const [place, { restarts }] of plan.clients.entries()) {
      for (const at of restarts) scheduler.at(at * 1000, () => this.#restartWorker(place));
    }
    const { every } = plan.queue;
    if (every !== undefined) this.#crew.do(0, 'schedules', (process) => process.schedule(SCHEDULE, every));
  }

  heal(): void {
    if (this.#world.plan.queue.every !== undefined)
      this.#crew.do(0, 'unschedules', (process) => process.unschedule(SCHEDULE));
    // Who has paused the queue may have been killed since.
    this.#crew.do(0, 'resumes', (process) => process.resume());
    for (const place of this.#world.plan.clients.keys())
      this.#crew.do(place, 'stops its remote program', (process) => process.stopRemote());
    this.#look();
  }

  #restartWorker(place: number): void {
    if (this.#crew.isHealed || !this.#crew.processes[place]?.isWorking) return;
    this.#crew.do(place, 'restarts', (process) => process.restartWorker());
  }

  /** Looks again and again whether the present phase is over. */
  #look(): void {
    const world = this.#world;
    const oracle = this.#oracle;
    const { plan } = world;
    if (this.#crew.isIdle && this.#phase === 'planned') {
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
    const { server } = this.#world.store;
    const counts = REMAINS.map(
      ([command, name]) => [name, Number(server.execute(command, [key(name)]))] as const,
    );
    const sessions = Number(server.execute('ZCARD', [key('sessions')]));
    const working = this.#crew.processes.filter(({ isWorking }) => isWorking).length;
    const left = counts.filter(([, count]) => count > 0);
    if (sessions !== working) left.push([`sessions for ${working} workers`, sessions]);
    const paused = this.#crew.processes.filter(({ machine }) => machine.isPaused).length;
    if (paused > 0) left.push(['processes that are paused', paused]);
    return left.map(([name, count]) => `${count} ${name}`).join(', ');
  }

  /** Everybody adds a task that can begin later; and then, when nothing else wakes a worker, one that can begin at once. */
  #tryOut(): void {
    const world = this.#world;
    this.#addOneEach(300);
    world.scheduler.after(CALM * 1000, () => this.#addOneEach(0));
    world.scheduler.after(2 * CALM * 1000, () => this.#fillUp());
    const turns = world.plan.fills ? 5 : 3;
    world.scheduler.after(turns * CALM * 1000, () => {
      if (!this.#isDrained || !this.#crew.isIdle)
        this.#oracle.violate('prompt', `all is well, but ${this.whatIsLeft} has not ended`);
      if (this.#world.plan.outage) this.#stopInOutage();
      else this.#stop();
    });
  }

  /** A worker that has nothing, and asks a server that it cannot reach, stops at once. Another takes its place. */
  #stopInOutage(): void {
    const world = this.#world;
    const oracle = this.#oracle;
    const { plan } = world;
    this.#phase = 'outage';
    const process = this.#crew.processes[0] as QueueProcess;
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
    this.#crew.processes.forEach((process, place) => {
      const name = `calm ${process.machine.name} ${delay}`;
      this.#crew.do(place, name, () => this.#addPromptly(process, name, delay));
    });
  }

  /** Where the plan says so, some workers rest, and there are as many long tasks as others have room for: each begins promptly. */
  #fillUp(): void {
    const { plan, scheduler } = this.#world;
    for (const [place, { rests }] of plan.clients.entries())
      if (plan.fills && rests) this.#crew.do(place, 'rests', (process) => process.rest());
    for (const [number, { at, delay }] of (plan.fills ?? []).entries()) {
      const name = `${FILL}${number}`;
      const place = number % plan.clients.length;
      const process = this.#crew.processes[place] as QueueProcess;
      scheduler.after(at * 1000, () =>
        this.#crew.do(place, name, () => this.#addPromptly(process, name, delay)),
      );
    }
  }

  async #addPromptly(process: QueueProcess, name: string, delay: number): Promise<void> {
    const world = this.#world;
    const oracle = this.#oracle;
    await process.addOnceReady({
      ...{
        name,
        id: undefined,
        isShared: false,
        deduplicate: undefined,
        expires: undefined,
        timeout: undefined,
        retain: undefined,
        tenant: undefined,
      },
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
    const world = this.#world;
    const oracle = this.#oracle;
    this.#phase = 'stopping';
    oracle.judgeEnds();
    this.#crew.processes.forEach((process, place) => {
      if (process.isWorking) this.#crew.do(place, 'stops', () => process.stopWorker());
    });
    world.scheduler.after(2_000_000, () => {
      if (!this.#crew.isIdle) oracle.violate('stuck', `${this.whatIsLeft} has not ended`);
      if (oracle.violations.length === 0) judgeQueueRemains(world, oracle);
      this.#phase = 'done';
    });
  }
}
