/**
 * The strict turn: what is handed to a function, and all that follows from it without anything from outside.
 *
 * A turn opens in one immediate and is closed by the next, both asked for together. Between two of them Node drains only
 * microtasks and ticks, so what runs in an open turn follows from what was handed over. One pair of immediates serves all
 * runs that take a turn meanwhile. Guarantees: whatever awaits something else (a timer, a socket, a file) goes on outside a
 * turn, where the machine notices it.
 */
import type { Clock } from '@holdfast/kernel';

interface Turn {
  open(): void;
  close(): void;
}

/** Turns that are about to open. */
const next = new WeakMap<Clock, Turn[]>();

export function takeTurn(clock: Clock, turn: Turn): void {
  const others = next.get(clock);
  if (others) {
    others.push(turn);
    return;
  }
  const turns = [turn];
  next.set(clock, turns);
  clock.afterInput(() => {
    next.delete(clock);
    for (const each of turns) each.open();
  });
  clock.afterInput(() => {
    for (const each of turns) each.close();
  });
}
