/**
 * The bodies of steps that go on, and whether they may.
 *
 * Guarantees: a body counts as its owner's for as long as the owner may rely on it (`step.lease.remaining()`), read at the
 * world's time.
 */
import type { Step } from '@holdfast/workflow';
import type { Violate } from '../run/part.js';
import type { Machine } from '../world/machine.js';
import type { Journals } from './journals.js';

interface Held {
  readonly step: Step;
  readonly machine: Machine;
  readonly run: string;
  readonly generation: string;
  /** The place of the call. */
  readonly id: string;
  /** Whether it is to begin once at the most. */
  readonly isOnce: boolean;
  /** Whether something undoes it. */
  readonly isUndoable: boolean;
  /** True time at which its signal has aborted, in ms. */
  abortedAt: number | undefined;
}

/** How long what undoes a run waits for a body that was aborted, in ms, less what clocks drift. */
const GRACE = 990;

export interface Beginning {
  readonly machine: Machine;
  readonly isOnce: boolean;
  readonly isUndoable: boolean;
}

export class Bodies {
  begun = 0;
  readonly #journals: Journals;
  readonly #violate: Violate;
  readonly #held = new Set<Held>();
  readonly #ended = new WeakSet<Step>();
  /** The token of the latest attempt of each step. */
  readonly #tokens = new Map<string, number>();
  /** The highest token of all attempts of a run, by its generation. */
  readonly #highest = new Map<string, number>();
  /** Those that are to begin once at the most, and have begun. */
  readonly #once = new Set<string>();
  /** Runs that were ended from outside, by their generations. */
  readonly #terminated = new Set<string>();

  readonly #claimOf: (run: string) => number;

  /** `claimOf`: the token under which a run is owned. */
  constructor(journals: Journals, claimOf: (run: string) => number, violate: Violate) {
    this.#journals = journals;
    this.#claimOf = claimOf;
    this.#violate = violate;
  }

  /** `isJudged` says whether, at the moment at which it really begins, the server has forgotten nothing. */
  begins(step: Step, { machine, isOnce, isUndoable }: Beginning, isJudged: () => boolean): void {
    this.begun += 1;
    // "<issuer>/<run>.<generation>/<place of the call>"
    const [, run = '', generation = '', id = ''] =
      /^[^/]*\/(.*)\.([^./]*)\/([^/]*)$/.exec(step.idempotencyKey) ?? [];
    const held: Held = { step, machine, run, generation, id, isOnce, isUndoable, abortedAt: undefined };
    step.signal.addEventListener('abort', () => {
      held.abortedAt = machine.time / 1_000;
    });
    machine.whenReal(() => {
      // Its process may have been paused in the turn in which it both began and ended.
      if (!machine.alive || this.#ended.has(step)) return;
      this.#held.add(held);
      if (isJudged()) this.#judge(held);
    });
  }

  ends(step: Step): void {
    this.#ended.add(step);
    for (const held of this.#held) if (held.step === step) this.#held.delete(held);
  }

  terminated(run: string, generation: string): void {
    this.#terminated.add(`${run}.${generation}`);
  }

  died(machine: Machine): void {
    for (const held of this.#held) if (held.machine === machine) this.#held.delete(held);
  }

  /** The server may have forgotten that they have begun. */
  forgets(): void {
    this.#once.clear();
  }

  /** What is undone has ended, or was aborted long enough before, and its writes are behind a higher token. */
  #judgeUndo({ step, machine, run, id }: Held, highest: number): void {
    const who = `${machine.name} begins ${id} of ${run} under ${step.token}`;
    if (step.token <= highest) this.#violate('undo token', `${who}, after an attempt under ${highest}`);
    for (const other of this.#held) {
      // Those of an earlier claim are behind a guard.
      const isOfClaim = other.step.token >= this.#claimOf(run);
      if (other.run !== run || other.machine !== machine || other.step === step || !isOfClaim) continue;
      const waited = machine.time / 1_000 - (other.abortedAt ?? Number.POSITIVE_INFINITY);
      if (!(waited >= GRACE))
        this.#violate('undo early', `${who}, ${waited} ms after ${other.id} was aborted`);
    }
  }

  #judge(held: Held): void {
    const { step, machine, run, generation, id, isOnce } = held;
    const who = `${machine.name} began ${id} of ${run} under ${step.token}`;
    const attempt = `${run}.${generation} ${id}`;
    const before = this.#tokens.get(attempt) ?? 0;
    this.#tokens.set(attempt, Math.max(before, step.token));
    const ofRun = `${run}.${generation}`;
    const highest = this.#highest.get(ofRun) ?? 0;
    this.#highest.set(ofRun, Math.max(highest, step.token));
    if (isOnce && this.#once.has(attempt)) this.#violate('begun once', `${who}, which has begun before`);
    if (isOnce) this.#once.add(attempt);
    // A process that was paused finds that out by its signal, and a guard refuses it.
    if (step.lease.remaining() === 0) return;
    if (id.startsWith('~')) this.#judgeUndo(held, highest);
    if (held.isUndoable && !this.#journals.isEntered(run, generation, id))
      this.#violate('undo', `${who}, but nothing would undo it`);
    if (step.token <= before) this.#violate('token order', `${who} after an attempt under ${before}`);
    if (this.#journals.hasEnded(run, generation, id)) this.#violate('done again', `${who}, which is done`);
    const kept = this.#journals.checkpointOf(run, generation, id);
    if (step.checkpointed !== kept)
      this.#violate('checkpoint', `${who} from ${step.checkpointed}, but ${kept} was kept last`);
    for (const other of this.#held) {
      if (other.run !== run || other.machine === machine) continue;
      // It may be begun again before its owner has heard that it was terminated.
      if (this.#terminated.has(`${run}.${other.generation}`)) continue;
      const whose = `that of ${other.machine.name} under ${other.step.token}`;
      if (other.step.lease.remaining() > 0)
        this.#violate('mutual exclusion', `${who} while ${whose} was valid`);
      else if (!other.step.signal.aborted && other.machine.isPunctual)
        this.#violate('signal', `${who}, but the signal of ${whose} had not aborted`);
    }
  }
}
