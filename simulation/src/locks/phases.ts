/**
 * What follows the steps of the plan: with the faults healed, what they have left runs out; then everybody takes the same
 * resources at once, and gets them promptly.
 */
import type { Oracle } from '../checks/oracle.js';
import type { Kind, Step } from '../plan/plan.js';
import type { Crew } from '../run/crew.js';
import type { Phases } from '../run/part.js';
import type { World } from '../world/world.js';
import { Handovers } from './handovers.js';
import type { Process } from './process.js';

/** How long after healing a step of the plan may last, in ms: waiting, holding, and all that it may have to wait out. */
const LONGEST_STEP = 20_000;

/** Within this time somebody who asks when all is well is granted everything, in ms. */
const LIVENESS = 10_000;

export class LockPhases implements Phases {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #crew: Crew<Step, Process>;
  #contests = 0;
  #phase: 'planned' | 'settling' | 'calm' | 'done' = 'planned';

  constructor(world: World, oracle: Oracle, crew: Crew<Step, Process>) {
    this.#world = world;
    this.#oracle = oracle;
    this.#crew = crew;
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  get deadline(): number {
    const { healAt, contests } = this.#world.plan;
    return (healAt + LONGEST_STEP + (contests.length + 2) * LIVENESS) * 1000;
  }

  get whatIsLeft(): string {
    return this.#crew.busy.join(', ') || this.#phase;
  }

  start(): void {
    if (!this.#world.plan.initialized) return;
    const { machine, locks, guard } = this.#crew.processes[0] as Process;
    machine.run(() => {
      void Promise.all([locks.initialize(), guard.initialize()]).catch(() => {});
    });
  }

  heal(): void {
    if (this.#crew.isIdle) this.#settle();
  }

  idle(): void {
    if (this.#phase === 'calm') this.#contest();
    else if (this.#phase === 'planned' && this.#crew.isHealed) this.#settle();
  }

  /** What the faults have left must run out: a quarantine, the leases of those who died. */
  #settle(): void {
    const { scheduler, plan } = this.#world;
    this.#phase = 'settling';
    const settled = this.#crew.processes.map(async (process) => {
      await new Promise<void>((resolve) => process.machine.run(resolve));
      await process.settle(LIVENESS).catch((error: unknown) => {
        const who = process.machine.name;
        this.#oracle.violate('liveness', `all is healed, but ${who} is told: ${String(error)}`);
      });
    });
    void Promise.all(settled).then(() => {
      scheduler.after((plan.deployment.maxTtl + 100) * 1000, () => {
        this.#phase = 'calm';
        this.#contest();
      });
    });
  }

  /** Everybody takes the next resource, at once. */
  #contest(): void {
    const next = this.#world.plan.contests[this.#contests];
    this.#contests += 1;
    if (next === undefined) {
      this.#phase = 'done';
      return;
    }
    const handovers = new Handovers(this.#oracle, next[1]);
    for (const place of this.#crew.processes.keys())
      this.#crew.do(place, next.join(' '), (process) => this.#take(process, next, handovers));
  }

  async #take(
    process: Process,
    [kind, resource]: readonly [Kind, string],
    handovers: Handovers,
  ): Promise<void> {
    const now = (): number => this.#world.scheduler.now / 1000;
    const ttl = this.#world.plan.deployment.maxTtl;
    handovers.asks(now());
    try {
      const lease = await process.acquire(kind, resource, { ttl, wait: LIVENESS });
      handovers.granted(now(), process.machine.name);
      await process.sleep(5);
      await process.release(lease);
      handovers.released(now());
    } catch (error) {
      const who = process.machine.name;
      this.#oracle.violate('liveness', `all is well, but ${who} is told: ${String(error)}`);
    }
  }
}
