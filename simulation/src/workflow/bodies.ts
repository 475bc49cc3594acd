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
}

export class Bodies {
  begun = 0;
  readonly #journals: Journals;
  readonly #violate: Violate;
  readonly #held = new Set<Held>();
  readonly #ended = new WeakSet<Step>();
  /** The token of the latest attempt of each step. */
  readonly #tokens = new Map<string, number>();

  constructor(journals: Journals, violate: Violate) {
    this.#journals = journals;
    this.#violate = violate;
  }

  /** `isJudged` says whether, at the moment at which it really begins, the server has forgotten nothing. */
  begins(step: Step, machine: Machine, isJudged: () => boolean): void {
    this.begun += 1;
    // "<issuer>/<run>.<generation>/<place of the call>"
    const [, run = '', generation = '', id = ''] =
      /^[^/]*\/(.*)\.([^./]*)\/([^/]*)$/.exec(step.idempotencyKey) ?? [];
    const held = { step, machine, run, generation, id };
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

  died(machine: Machine): void {
    for (const held of this.#held) if (held.machine === machine) this.#held.delete(held);
  }

  #judge({ step, machine, run, generation, id }: Held): void {
    const who = `${machine.name} began ${id} of ${run} under ${step.token}`;
    const attempt = `${run}.${generation} ${id}`;
    const before = this.#tokens.get(attempt) ?? 0;
    this.#tokens.set(attempt, Math.max(before, step.token));
    // A process that was paused finds that out by its signal, and a guard refuses it.
    if (step.lease.remaining() === 0) return;
    if (step.token <= before) this.#violate('token order', `${who} after an attempt under ${before}`);
    if (this.#journals.hasEnded(run, generation, id)) this.#violate('done again', `${who}, which is done`);
    for (const other of this.#held) {
      if (other.run !== run || other.machine === machine) continue;
      const whose = `that of ${other.machine.name} under ${other.step.token}`;
      if (other.step.lease.remaining() > 0)
        this.#violate('mutual exclusion', `${who} while ${whose} was valid`);
      else if (!other.step.signal.aborted && other.machine.isPunctual)
        this.#violate('signal', `${who}, but the signal of ${whose} had not aborted`);
    }
  }
}
