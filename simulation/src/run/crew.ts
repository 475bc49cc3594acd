/**
 * All processes of a run: each carries out the steps that the plan has for its place.
 *
 * Guarantees: a process that is killed is followed by another, which goes on with the steps that are left. After healing
 * nobody begins another step.
 */
import type { RunPlan } from '../plan/plan.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';

/** A process that carries out steps of the kind `S`. */
export interface Actor<S> {
  readonly machine: Machine;
  /** Never rejects. A step that may be cut short asks `goesOn`. */
  perform(step: S, goesOn: () => boolean): Promise<void>;
  close(): Promise<unknown>;
}

export interface CrewOptions<S, A extends Actor<S>> {
  readonly world: World<RunPlan<S>>;
  /** Starts the process of a place in the plan; `life` is how many were there before. */
  readonly begin: (place: number, life: number) => A;
  readonly onDeath: (machine: Machine) => void;
  /** Called whenever the last of those who were busy has finished. */
  readonly onIdle: () => void;
}

export class Crew<S, A extends Actor<S>> {
  readonly #options: CrewOptions<S, A>;
  readonly #processes: A[] = [];
  readonly #lives: number[] = [];
  /** The steps that are left, of each task of each process. */
  readonly #left: S[][][];
  readonly #busy = new Set<string>();
  #healed = false;

  constructor(options: CrewOptions<S, A>) {
    this.#options = options;
    this.#left = options.world.plan.clients.map(({ tasks }) => tasks.map((steps) => [...steps]));
  }

  get isHealed(): boolean {
    return this.#healed;
  }

  /** By their places in the plan. */
  get processes(): readonly A[] {
    return this.#processes;
  }

  get isIdle(): boolean {
    return this.#busy.size === 0;
  }

  /** What is under way. */
  get busy(): readonly string[] {
    return [...this.#busy];
  }

  start(): void {
    for (const place of this.#left.keys()) this.#begin(place);
  }

  kill(place: number, duration: number): void {
    const { world, onDeath } = this.#options;
    const { machine } = this.#processes[place] as A;
    if (!machine.alive) return;
    world.kill(place);
    onDeath(machine);
    for (const task of [...this.#busy]) if (task.startsWith(`${machine.name}:`)) this.#busy.delete(task);
    world.scheduler.after(duration * 1000, () => this.#replace(place));
  }

  heal(): void {
    this.#healed = true;
    for (const place of this.#processes.keys()) this.#replace(place);
  }

  close(): void {
    for (const process of this.#processes) {
      process.machine.run(() => void process.close().catch(() => {}));
    }
  }

  /** Something that a process does, beside its steps or as one of its tasks. */
  do(place: number, what: string, how: (process: A) => Promise<void>): void {
    const process = this.#processes[place] as A;
    const task = `${process.machine.name}:${what}`;
    if (!process.machine.alive) return;
    this.#busy.add(task);
    process.machine.run(() => void how(process).finally(() => this.#finish(task)));
  }

  #finish(task: string): void {
    this.#busy.delete(task);
    if (this.isIdle) this.#options.onIdle();
  }

  #replace(place: number): void {
    if (!this.#processes[place]?.machine.alive) this.#begin(place);
  }

  #begin(place: number): void {
    const life = this.#lives[place] ?? 0;
    this.#lives[place] = life + 1;
    this.#processes[place] = this.#options.begin(place, life);
    this.#left[place]?.forEach((steps, index) => {
      this.do(place, String(index + 1), (process) => this.#carryOut(process, steps));
    });
  }

  async #carryOut(process: A, steps: S[]): Promise<void> {
    while (!this.#healed) {
      const step = steps.shift();
      if (step === undefined) return;
      await process.perform(step, () => !this.#healed);
    }
  }
}
