/**
 * A client process's side of its tie to the harness: what it was told to do, what it says, and the end of both.
 *
 * Guarantees: a process whose harness is gone ends. An error that nobody catches is reported, and the process goes on.
 */
import { setMaxListeners } from 'node:events';
import type { FromClient, ToClient } from './assignment.js';

export interface Harness<A> {
  readonly assignment: A;
  /** Aborts when no new work is to be begun. */
  readonly finishing: AbortSignal;
  say(message: FromClient): void;
  /** Reports what must never happen, whatever the faults. */
  unexpected(error: unknown): void;
  /** Lets the process end, once nothing else keeps it. */
  leave(): void;
}

export function joinHarness<A>(): Harness<A> {
  const finishing = new AbortController();
  setMaxListeners(0, finishing.signal); // one a call that rests
  const say = (message: FromClient): void => {
    if (process.connected) process.send?.(message);
  };
  const unexpected = (error: unknown): void =>
    say({ say: 'unexpected', error: error instanceof Error ? `${error.stack}` : String(error) });
  const orphaned = (): never => process.exit(1);
  process.on('disconnect', orphaned);
  process.on('uncaughtException', unexpected);
  process.on('unhandledRejection', unexpected);
  process.on('message', (message: ToClient) => {
    if (message === 'finish') finishing.abort();
  });
  return {
    assignment: JSON.parse(process.argv[2] ?? ''),
    finishing: finishing.signal,
    say,
    unexpected,
    leave() {
      process.off('disconnect', orphaned);
      process.disconnect();
    },
  };
}
