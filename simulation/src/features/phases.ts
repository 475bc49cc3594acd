/**
 * What happens besides the steps of the plan, the events of the source, and what follows them: with the faults healed, all
 * of the source is taken in, every view is rebuilt and rolled back, and everybody reads what there should be.
 */
import type { Crew } from '../run/crew.js';
import type { Phases } from '../run/part.js';
import { BEGINNING } from '../world/machine.js';
import type { World } from '../world/world.js';
import { renew } from './building.js';
import { settle } from './erasing.js';
import { exportAll } from './exporting.js';
import type { FeaturesOracle } from './oracle.js';
import type { FeaturesPlan, FeaturesStep } from './plan.js';
import type { FeaturesProcess } from './process.js';
import type { Program } from './program.js';
import { readAll } from './reading.js';
import type { WorldSource } from './source.js';
import { catchUp } from './writing.js';

/** Within this time after healing all steps have ended, and each phase has, in ms. */
const PATIENCE = 120_000;

/** When the first event of the plan has happened, in ms since 1970. */
const FIRST_EVENT = BEGINNING / 1000 - 5_000;

/** What is done when all is well, one after the other; the last by everybody at once. */
const WORK: readonly (readonly [string, (program: Program) => Promise<void>])[] = [
  ['catches up', catchUp],
  ['finishes erasing', settle],
  ['rebuilds', renew],
  ['catches up again', catchUp],
  ['exports', exportAll],
];

export class FeaturesPhases implements Phases {
  readonly #world: World<FeaturesPlan>;
  readonly #oracle: FeaturesOracle;
  readonly #crew: Crew<FeaturesStep, FeaturesProcess>;
  readonly #source: WorldSource;
  #phase = 'planned';
  #isDone = false;

  constructor(
    world: World<FeaturesPlan>,
    { oracle, source }: { readonly oracle: FeaturesOracle; readonly source: WorldSource },
    crew: Crew<FeaturesStep, FeaturesProcess>,
  ) {
    this.#world = world;
    this.#oracle = oracle;
    this.#crew = crew;
    this.#source = source;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get deadline(): number {
    return (this.#world.plan.healAt + 6 * PATIENCE) * 1000;
  }

  get whatIsLeft(): string {
    return [this.#phase, ...this.#crew.busy].join(', ');
  }

  start(): void {
    const { plan, scheduler } = this.#world;
    for (const [n, event] of plan.events.entries()) {
      // Each at an instant of its own, so that their order is known.
      scheduler.at(event.when * 1000, () => this.#source.publish(event, n, FIRST_EVENT + n));
    }
    this.#crew.do(0, 'applies', (process) => process.insist((program) => program.apply()));
  }

  heal(): void {
    this.#await(PATIENCE, () => this.#work(0));
  }

  /** Goes on when nobody is busy. */
  #await(patience: number, next: () => void): void {
    const { scheduler } = this.#world;
    if (this.#crew.isIdle) {
      next();
    } else if (patience <= 0) {
      this.#oracle.violate(
        'stuck',
        `${this.whatIsLeft}: this has not ended long after all faults were healed`,
      );
      this.#isDone = true;
    } else {
      scheduler.after(50_000, () => this.#await(patience - 50, next));
    }
  }

  #work(place: number): void {
    const [what, how] = WORK[place] ?? [];
    if (what === undefined || how === undefined) {
      this.#finish();
      return;
    }
    this.#phase = what;
    this.#crew.do(place % this.#crew.processes.length, what, (process) => process.insist(how));
    this.#await(PATIENCE, () => this.#work(place + 1));
  }

  #finish(): void {
    this.#phase = 'reads';
    // Pointers that were learned before the last change are not held any more.
    this.#world.scheduler.after(1_500_000, () => {
      for (const place of this.#crew.processes.keys())
        this.#crew.do(place, 'reads', (process) => process.insist(readAll));
      this.#await(PATIENCE, () => {
        this.#oracle.judgeEnd();
        this.#isDone = true;
      });
    });
  }
}
