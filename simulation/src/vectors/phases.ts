/**
 * What follows the steps of the plan: with all faults healed, somebody writes every document, has its vectors made where models
 * make them and another model live, and everybody must find them;
 * first when asked to see that, and later by itself. Then documents are forgotten of which nothing is kept.
 */
import type { Crew } from '../run/crew.js';
import type { Phases } from '../run/part.js';
import type { World } from '../world/world.js';
import type { VectorsOracle } from './oracle.js';
import type { VectorsPlan, VectorsStep } from './plan.js';
import type { VectorsProcess } from './process.js';

/** Within this time after healing all steps have ended, and each phase has, in ms. */
const PATIENCE = 60_000;
/** Within this time every process has read what was written, in ms: it looks every second. */
const PROMPT = 4_000;
/** Deletions are forgotten so long after they are kept, in ms: every process looks each minute for those that are due. */
const FORGETTING = 130_000;

interface Phase {
  readonly name: string;
  /** Who takes part: the process of this place, or all. */
  readonly place: number | 'all';
  readonly work: (process: VectorsProcess) => Promise<unknown>;
  /** How long nothing happens before it, in ms. */
  readonly after: number;
}

export class VectorsPhases implements Phases {
  readonly #world: World<VectorsPlan>;
  readonly #oracle: VectorsOracle;
  readonly #crew: Crew<VectorsStep, VectorsProcess>;
  readonly #left: Phase[];
  #phase = 'planned';
  #isDone = false;

  constructor(world: World<VectorsPlan>, oracle: VectorsOracle, crew: Crew<VectorsStep, VectorsProcess>) {
    this.#world = world;
    this.#oracle = oracle;
    this.#crew = crew;
    const { isLong, hasModels, tombstones } = world.plan.vectors;
    const writes = (place: number): Phase => ({
      ...{ name: 'writes', place, after: 0 },
      work: (process) => process.insist(() => process.writeAll()),
    });
    const reads: Phase = {
      ...{ name: 'reads', place: 'all', after: 0 },
      work: (process) => process.insist(() => process.readAll()),
    };
    const isPrompt: Phase = {
      ...{ name: 'has read', place: 'all', after: PROMPT },
      work: (process) => process.insist(() => process.readAsItIs()),
    };
    const later: Phase = {
      ...{ name: 'has forgotten', place: 'all', after: FORGETTING + tombstones },
      work: async (process) => {
        await process.insist(() => process.readAsItIs());
        oracle.judgeForgotten();
      },
    };
    const builds: Phase = {
      ...{ name: 'builds', place: 0, after: 0 },
      work: (process) => process.insist(() => process.build()),
    };
    this.#left = [
      writes(0),
      ...(hasModels ? [builds] : []),
      reads,
      isPrompt,
      ...(isLong ? [later, writes(1), reads, isPrompt] : []),
    ];
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get deadline(): number {
    const { healAt, vectors } = this.#world.plan;
    return (healAt + 8 * PATIENCE + FORGETTING + vectors.tombstones) * 1000;
  }

  get whatIsLeft(): string {
    return [this.#phase, ...this.#crew.busy].join(', ');
  }

  start(): void {
    // All begin with the steps of the plan.
  }

  heal(): void {
    this.#await(PATIENCE, () => this.#next());
  }

  /** Goes on when nobody is busy. */
  #await(patience: number, next: () => void): void {
    if (this.#crew.isIdle) next();
    else if (patience <= 0) {
      this.#oracle.violate(
        'stuck',
        `${this.whatIsLeft}: this has not ended long after all faults were healed`,
      );
      this.#isDone = true;
    } else this.#world.scheduler.after(50_000, () => this.#await(patience - 50, next));
  }

  #next(): void {
    const phase = this.#left.shift();
    if (phase === undefined) {
      this.#oracle.judgeLog();
      this.#isDone = true;
      return;
    }
    this.#world.scheduler.after(phase.after * 1_000, () => {
      this.#phase = phase.name;
      for (const place of this.#crew.processes.keys()) {
        if (phase.place === 'all' || phase.place === place)
          this.#crew.do(place, phase.name, async (process) => void (await phase.work(process)));
      }
      this.#await(PATIENCE, () => this.#next());
    });
  }
}
