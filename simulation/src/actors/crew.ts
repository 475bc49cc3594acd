/**
 * All processes of a run, from the first step to the last: what the plan says, then, with the faults healed, that
 * everybody gets everything promptly.
 *
 * Guarantees: a process that is killed is followed by another, which goes on with the steps that are left. After healing
 * nobody begins anything new of the plan.
 */
import type { Ledger } from '../checks/ledger.js';
import type { Marks } from '../checks/marks.js';
import type { Oracle } from '../checks/oracle.js';
import type { Kind, Step } from '../plan/plan.js';
import type { Subject } from '../run/subject.js';
import type { World } from '../world/world.js';
import { Handovers } from './handovers.js';
import { Process } from './process.js';

export interface CrewOptions {
  readonly world: World;
  readonly subject: Subject;
  readonly oracle: Oracle;
  readonly ledger: Ledger;
  readonly marks: Marks;
}

/** How long after healing a step of the plan may last, in ms: waiting, holding, and all that it may have to wait out. */
const LONGEST_STEP = 20_000;

/** Within this time somebody who asks when all is well is granted everything, in ms. */
const LIVENESS = 10_000;

export class Crew {
  readonly #options: CrewOptions;
  readonly #processes: Process[] = [];
  readonly #lives: number[] = [];
  /** The steps that are left, of each task of each process. */
  readonly #left: Step[][][];
  readonly #busy = new Set<string>();
  #healed = false;
  #contests = 0;
  #phase: 'planned' | 'settling' | 'calm' | 'done' = 'planned';

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#left = options.world.plan.clients.map(({ tasks }) => tasks.map((steps) => [...steps]));
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  /** True time at which a run that has not ended is stuck, in microseconds. */
  get deadline(): number {
    const { healAt, contests } = this.#options.world.plan;
    return (healAt + LONGEST_STEP + (contests.length + 2) * LIVENESS) * 1000;
  }

  get whatIsLeft(): string {
    return [...this.#busy].join(', ') || this.#phase;
  }

  start(): void {
    const { plan } = this.#options.world;
    for (const place of plan.clients.keys()) this.#begin(place);
    if (plan.initialized) {
      const first = this.#processes[0] as Process;
      first.machine.run(() => {
        void Promise.all([first.locks.initialize(), first.guard.initialize()]).catch(() => {});
      });
    }
  }

  kill(place: number, duration: number): void {
    const { world, oracle } = this.#options;
    const { machine } = this.#processes[place] as Process;
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
    this.#settleWhenIdle();
  }

  close(): void {
    for (const process of this.#processes) {
      process.machine.run(() => {
        for (const closing of process.close()) closing.catch(() => {});
      });
    }
  }

  #replace(place: number): void {
    if (this.#processes[place]?.machine.alive) return;
    this.#begin(place);
  }

  #begin(place: number): void {
    const life = this.#lives[place] ?? 0;
    this.#lives[place] = life + 1;
    const process = new Process({ ...this.#options, place, life });
    this.#processes[place] = process;
    const name = process.machine.name;
    this.#left[place]?.forEach((steps, index) => {
      const task = `${name}:${index + 1}`;
      this.#busy.add(task);
      process.machine.run(() => {
        void this.#carryOut(process, steps).then(() => this.#finish(task));
      });
    });
  }

  async #carryOut(process: Process, steps: Step[]): Promise<void> {
    while (!this.#healed) {
      const step = steps.shift();
      if (step === undefined) return;
      await process.perform(step);
    }
  }

  #finish(task: string): void {
    this.#busy.delete(task);
    this.#settleWhenIdle();
  }

  /** What the faults have left must run out: a quarantine, the leases of those who died. */
  #settleWhenIdle(): void {
    if (!this.#healed || this.#busy.size > 0 || this.#phase !== 'planned') return;
    const { world, oracle } = this.#options;
    this.#phase = 'settling';
    const settled = this.#processes.map(async (process) => {
      await new Promise<void>((resolve) => process.machine.run(resolve));
      await process.settle(LIVENESS).catch((error: unknown) => {
        oracle.violate('liveness', `all is healed, but ${process.machine.name} is told: ${String(error)}`);
      });
    });
    void Promise.all(settled).then(() => {
      world.scheduler.after((world.plan.deployment.maxTtl + 100) * 1000, () => {
        this.#phase = 'calm';
        this.#contest();
      });
    });
  }

  /** Everybody takes the next resource, at once. */
  #contest(): void {
    const next = this.#options.world.plan.contests[this.#contests];
    this.#contests += 1;
    if (next === undefined) {
      this.#phase = 'done';
      return;
    }
    const handovers = new Handovers(this.#options.oracle, next[1]);
    for (const process of this.#processes) {
      const task = `${process.machine.name}:${next.join(' ')}`;
      this.#busy.add(task);
      process.machine.run(() => {
        void this.#take(process, next, handovers).then(() => {
          this.#busy.delete(task);
          if (this.#busy.size === 0) this.#contest();
        });
      });
    }
  }

  async #take(
    process: Process,
    [kind, resource]: readonly [Kind, string],
    handovers: Handovers,
  ): Promise<void> {
    const { world, oracle } = this.#options;
    const now = (): number => world.scheduler.now / 1000;
    const ttl = world.plan.deployment.maxTtl;
    handovers.asks(now());
    try {
      const lease = await process.acquire(kind, resource, { ttl, wait: LIVENESS });
      handovers.granted(now(), process.machine.name);
      await process.sleep(5);
      await process.release(lease);
      handovers.released(now());
    } catch (error) {
      oracle.violate('liveness', `all is well, but ${process.machine.name} is told: ${String(error)}`);
    }
  }
}
