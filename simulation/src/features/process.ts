/**
 * A process that lands rows, follows the source, rebuilds views, reads, or all of it.
 *
 * Guarantees: an error that no user should see in a correct deployment is a violation. Once another edition of the program is
 * deployed, its steps go on with that one; what the one before has begun, it ends itself.
 */
import type { Actor } from '../run/crew.js';
import type { Machine } from '../world/machine.js';
import { rebuild, rebuildBoth, rollBack, tidy } from './building.js';
import { erase, restore } from './erasing.js';
import { exportLogs } from './exporting.js';
import { mark, readMarks } from './marking.js';
import type { FeaturesStep } from './plan.js';
import { Program, type ProgramOptions } from './program.js';
import { pin, read, watch } from './reading.js';
import { followFor, runJob } from './writing.js';

export interface FeaturesProcessOptions extends Omit<ProgramOptions, 'machine' | 'edition'> {
  readonly life: number;
}

export class FeaturesProcess implements Actor<FeaturesStep> {
  readonly machine: Machine;
  readonly #options: FeaturesProcessOptions;
  readonly #programs: Program[] = [];
  #isClosed = false;

  constructor(options: FeaturesProcessOptions) {
    const { world, plan, place, life } = options;
    this.#options = options;
    this.machine = world.start(place, life);
    const first = plan.features.editions[place] ?? 1;
    this.#deploy(life > 0 && plan.features.editions.includes(2) ? 2 : first);
  }

  get program(): Program {
    return this.#programs.at(-1) as Program;
  }

  async perform(step: FeaturesStep): Promise<void> {
    await this.program.sleep(step.after);
    const { program } = this;
    try {
      await this.#carryOut(program, step);
    } catch (error) {
      // Only a cut may end by that: all else asks the partitions, and goes on.
      if (step.f === 'tidy' && /older memory/.test(String(error)))
        this.#options.oracle.violate('outcomes', `who ends generations is told: ${String(error)}`);
      await this.judge(error, program);
    }
  }

  /** Until it succeeds. */
  async insist(what: (program: Program) => Promise<unknown>): Promise<void> {
    while (!this.#isClosed) {
      const { program } = this;
      try {
        await what(program);
        return;
      } catch (error) {
        await this.judge(error, program);
        await program.sleep(100);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#programs.map(({ store }) => store.close()));
  }

  #deploy(edition: Program['edition']): void {
    const { machine } = this;
    this.#programs.push(new Program({ ...this.#options, machine, edition }));
  }

  #carryOut(program: Program, step: FeaturesStep): Promise<unknown> {
    switch (step.f) {
      case 'job':
        return runJob(program, step);
      case 'follow':
        return followFor(program, step);
      case 'read':
        return read(program, step);
      case 'rebuild':
        return watched(program, rebuild(program, step), step.isWatched);
      case 'rebuild both':
        return rebuildBoth(program, step);
      case 'roll back':
        return rollBack(program, step);
      case 'pin':
        return pin(program, step);
      case 'mark':
        return mark(program, step);
      case 'read marks':
        return readMarks(program);
      case 'tidy':
        return tidy(program, step.view);
      case 'erase':
        return erase(program, step);
      case 'restore':
        return restore(program, step);
      case 'export':
        return exportLogs(program, step);
      case 'deploy':
        if (program.edition === 1 && this.#options.plan.features.editions.length > 0) this.#deploy(2);
        return this.program.apply();
      case 'apply':
        return program.apply();
      case 'look':
        return look(program);
    }
  }

  async judge(error: unknown, program: Program): Promise<void> {
    if (this.#isClosed) return;
    const { code = '', message = String(error) } = Object(error) as { code?: string; message?: string };
    program.note(`is told: ${message}`);
    const isMisuse = code === 'HOLDFAST_MISUSE' && EXPECTED_MISUSE.test(message);
    if (!EXPECTED.includes(code) && !isMisuse) this.#options.oracle.violate('error', String(error));
    if (isMisuse && UNAPPLIED.test(message))
      await this.#applyAgain(program, /defined otherwise here/.test(message));
  }

  /** A server that has forgotten everything is deployed again. Where only the second edition was, the first one cannot write. */
  async #applyAgain(program: Program, isOther: boolean): Promise<void> {
    try {
      if ((await program.apply()) || !isOther) return;
      this.#options.oracle.isShutOut(program.edition);
      this.#deploy(2);
    } catch (error) {
      program.note(`is told: ${String(error)}`);
    }
  }
}

/** What is thrown first is judged; the other goes on to its end. */
async function watched(program: Program, work: Promise<void>, isWatched: boolean): Promise<void> {
  if (!isWatched) return work;
  const ended = await Promise.allSettled([work, watch(program, work)]);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

async function look({ store, oracle, definitions: { profile, counts } }: Program): Promise<void> {
  for (const view of [profile, counts] as const) {
    const live = oracle.generations.live(view.name);
    oracle.generations.judgeLineup(view.name, live, await store.generations(view));
    await store.deadLetters(view);
  }
}

/** What a correct deployment may tell a user who does nothing wrong. */
const EXPECTED = [
  ...['HOLDFAST_UNAVAILABLE', 'HOLDFAST_LEASE_LOST', 'HOLDFAST_ABORTED', 'HOLDFAST_STALE_TOKEN'],
  ...['HOLDFAST_GENERATION_ENDED', 'HOLDFAST_INCOMPLETE', 'HOLDFAST_BUSY'],
];

/** Nothing was applied yet, or the server has forgotten it. */
const UNAPPLIED = /never applied|call apply\(\)/;

const EXPECTED_MISUSE =
  /never applied|call apply\(\)|is not erased in this store|nothing to go back to|are not kept any more|wants to keep|Three generations|that cannot be done with it|has no generation|follows no source|in "lanes" what becomes of it|give the folder of the exporter|has no exported rows|has no lane "batch" to copy|its rows cannot be copied|is the one that is read; copy/;
