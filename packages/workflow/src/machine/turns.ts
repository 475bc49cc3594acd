/**
 * The strict turn: what is handed to a function, and all that follows from it without anything from outside.
 *
 * A turn opens in one immediate and is closed by the next, both asked for together. Between two of them Node drains only
 * microtasks and ticks, so what runs in an open turn follows from what was handed over. Guarantees: whatever awaits
 * something else (a timer, a socket, a file) goes on outside a turn, where the machine notices it.
 */
import type { Clock } from '@holdfast/kernel';

export function takeTurn(clock: Clock, open: () => void, close: () => void): void {
  clock.afterInput(open);
  clock.afterInput(close);
}
