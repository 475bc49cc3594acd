/**
 * A process in a test that can be frozen, as by SIGSTOP: nothing that it has asked of the store or of the clock arrives, and
 * it hears of nothing.
 *
 * Guarantees: what was asked for before or while it was frozen goes on once it thaws, in its order. Time passes meanwhile.
 * The code of a step's body, which a test has at hand anyway, is not held.
 */
import type { Clock, Timer } from '@holdfast/kernel';

export class Gate {
  #isShut = false;
  #held: (() => void)[] = [];

  /** Now, or once it is open. */
  pass(go: () => void): void {
    if (this.#isShut) this.#held.push(go);
    else go();
  }

  shut(): void {
    this.#isShut = true;
  }

  open(): void {
    this.#isShut = false;
    for (const go of this.#held.splice(0)) this.pass(go);
  }
}

/** The clock of a process behind a gate. */
export function gatedClock(clock: Clock, gate: Gate): Clock {
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    after(delay, callback, options): Timer {
      let isCancelled = false;
      const timer = clock.after(
        delay,
        () =>
          gate.pass(() => {
            if (!isCancelled) callback();
          }),
        options,
      );
      return {
        cancel: () => {
          isCancelled = true;
          timer.cancel();
        },
      };
    },
    afterInput: (callback) => clock.afterInput(() => gate.pass(callback)),
  };
}
