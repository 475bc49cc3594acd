/**
 * Loops: pass after pass, each in a scope of its own, with the state that the pass before has given.
 *
 * Guarantees: a pass knows of those before by the state only. After many passes, where nothing else is open, the run goes on
 * with the next one over another journal, which has none of theirs.
 */
import { encodeValue } from '../json.js';
import { readPass } from './arguments.js';
import { nothing } from './branches.js';
import { LONGEST_LOOP } from './continuation.js';
import type { Machine } from './machine.js';
import { Scope } from './scope.js';

interface Looping<State> {
  readonly scope: Scope;
  readonly state: State;
  /** Runs a pass in a scope of its own. */
  readonly run: (scope: Scope, state: State) => Promise<unknown>;
}

/** What the last pass gives. */
export async function runLoop<State, Result>(
  machine: Machine,
  { scope, state, run }: Looping<State>,
): Promise<Result> {
  const id = scope.takeNumber();
  const loop = machine.enterLoop(id);
  const first = loop.known?.pass ?? 0;
  let current = loop.known ? (loop.known.state as State) : state;
  for (let pass = first; ; pass += 1) {
    if (pass - first >= LONGEST_LOOP && !scope.cancelled) {
      encodeValue(current, 'The state of a loop');
      if (machine.continueLoop(loop, { pass, state: current })) return nothing();
    }
    const own = new Scope(`${id}.${pass}.`, scope);
    const given = readPass<State, Result>(await run(own, current));
    own.leave(scope);
    if ('done' in given) return given.done;
    current = given.next;
  }
}
