/**
 * The attempts of one owned run: under which token each runs, and which bodies still go on.
 *
 * Guarantees: the first attempt that this owner makes of a step has the claim's token; those that follow, and all that undo
 * something, have a fresh one, so that a guard refuses an earlier body that still writes. Without a lease that is certainly
 * valid, no body begins before the server has said that the run is still ours.
 */
import { type Clock, pause } from '@holdfast/kernel';
import type { BegunStep } from '../machine/begun.js';
import { check } from '../schema.js';
import { Attempt, type OnAttemptEnd } from '../step/attempt.js';
import type { StepBody } from '../step/options.js';
import type { Claimed, Store } from '../store/store.js';
import { attemptOf } from '../telemetry.js';
import { cachedBody } from './cache.js';

export interface AttemptsHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly claim: Claimed;
  /** As `tracedStart` gave it. */
  readonly trace: () => string | undefined;
  /** Monotonic time, in ms, until which the run is certainly ours; 0 once it is not. */
  readonly validUntil: () => number;
  readonly checkpoint: (step: BegunStep, token: number, value: unknown) => Promise<void>;
  /** The run is owned by another. */
  readonly onStale: () => void;
  readonly report: (error: unknown) => void;
}

/** How long bodies that were aborted may take until what follows them goes on, in ms. */
const GRACE = 1_000;

export class Attempts {
  readonly #host: AttemptsHost;
  /** Bodies that go on, also those that nobody waits for. */
  #bodies = 0;
  #onQuiet: (() => void) | undefined;

  constructor(host: AttemptsHost) {
    this.#host = host;
  }

  /** Undefined if no body goes on; else resolves when none does, or the grace is over. */
  quiet(): Promise<void> | undefined {
    if (this.#bodies === 0) return undefined;
    return new Promise((resolve) => {
      const timer = this.#host.clock.after(GRACE, resolve);
      this.#onQuiet = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Gives what stops it. */
  begin(step: BegunStep, onEnd: OnAttemptEnd): (reason: Error) => void {
    const { clock, claim, validUntil } = this.#host;
    const isFirst = step.begunHere === 1 && step.seen === 0 && step.mode !== 'undo';
    if (isFirst && clock.now() < validUntil() && !this.#waitsForReplicas(step))
      return this.#run(step, claim.token, onEnd);
    let stop: ((reason: Error) => void) | undefined;
    let isStopped = false;
    void this.#freshToken(step, () => isStopped).then((token) => {
      if (token !== undefined && !isStopped) stop = this.#run(step, token, onEnd);
    });
    return (reason) => {
      isStopped = true;
      stop?.(reason);
    };
  }

  /** Undefined if the run is not owned here any more, or nobody wants it. */
  async #freshToken(step: BegunStep, isStopped: () => boolean): Promise<number | undefined> {
    const { store, clock, claim, validUntil, onStale, report } = this.#host;
    for (let tries = 0; validUntil() > 0 && !isStopped(); tries += 1) {
      let wait = Math.min(1_000, 20 * 2 ** Math.min(tries, 6));
      try {
        const isKnown = !this.#waitsForReplicas(step) || (await this.#isOnReplicas());
        const answer = await store.retoken(claim, step.seen);
        if (answer.word === 'token' && isKnown) return answer.token;
        if (answer.word === 'stale') {
          onStale();
          return undefined;
        }
        if (answer.word === 'early') wait = answer.wait;
      } catch (error) {
        if (store.closed.aborted) return undefined;
        report(error);
      }
      await pause(clock, wait, store.closed);
    }
    return undefined;
  }

  /** What is begun at most once begins when replicas know that it does. */
  #waitsForReplicas({ mode }: BegunStep): boolean {
    return mode === 'once' && this.#host.store.isReplicated;
  }

  /** Whether replicas have all that was committed under the claim: they are those of the server that has it. */
  async #isOnReplicas(): Promise<boolean> {
    const { store, claim } = this.#host;
    const { epoch, isOwned } = await store.proof(claim, claim);
    return isOwned && (await store.replicated()) === epoch;
  }

  #run(step: BegunStep, token: number, onEnd: OnAttemptEnd): (reason: Error) => void {
    const { store, clock, claim, trace, validUntil, checkpoint } = this.#host;
    const resource = `${store.issuer}/${claim.run}`;
    const { name, attempt: number } = step;
    const seen = attemptOf({ run: claim.run, step: name, attempt: number, token, trace: trace() });
    const since = clock.now();
    const attempt = new Attempt({
      claim: {
        token,
        resource,
        issuer: store.issuer,
        attempt: step.attempt,
        idempotencyKey: `${resource}.${claim.generation}/${step.id}`,
        checkpointed: step.checkpointed,
      },
      clock,
      validUntil,
      timeout: step.settings.timeout,
      append: (stream, index, chunks) =>
        store.append({ ...claim, stream, step: step.id, attempt: token, index, chunks }),
      checkpoint: (value) => checkpoint(step, token, value),
      onEnd: (end) => {
        const took = clock.now() - since;
        if (end.isDone) seen?.ended(took, 'done');
        else seen?.ended(took, 'failed', end.error);
        onEnd(end, took);
      },
      onSettled: (error) => {
        seen?.settled(error);
        this.#bodies -= 1;
        if (this.#bodies === 0) this.#onQuiet?.();
      },
    });
    this.#bodies += 1;
    const body = this.#bodyOf(step);
    attempt.run(seen ? (given) => seen.run(() => body(given)) : body);
    return (reason) => {
      attempt.stop(reason);
      seen?.ended(clock.now() - since, 'stopped', reason);
    };
  }

  #bodyOf(step: BegunStep): StepBody<unknown> {
    const { cache } = step.settings;
    const body = checkedBody(step);
    if (cache === undefined) return body;
    const workflow = this.#host.claim.run.split('/')[0] ?? '';
    return cachedBody(this.#host, { workflow, name: step.name, ...cache }, body);
  }
}

/** The body, and the check of what it gives. */
function checkedBody({ name, body, settings: { schema } }: BegunStep): StepBody<unknown> {
  if (schema === undefined) return body;
  return async (step) => check(schema, await body(step), `the result of the step "${name}"`);
}
