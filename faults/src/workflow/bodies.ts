/**
 * Runs the bodies of steps, and records when each began and ended, under which token, and whether its worker could rely on
 * the run then.
 */

import { NonRetryableError, pause, systemClock } from '@holdfast/kernel';
import type { Step } from '@holdfast/workflow';
import type { Ledger } from '../traffic/ledger.js';
import { monotonic, type Note, type Recorder } from '../traffic/recorder.js';
import { effectOf, effectsKey, type WorkflowRecord } from './assignment.js';
import { type BodyOf, isFatal, LOG, type RunBody } from './function.js';
import { PLANNED } from './program.js';

export interface BodiesOptions {
  readonly episode: string;
  readonly ledger: Ledger;
  /** Of the guarded writes. */
  readonly recorder: Recorder;
  readonly note: Note<WorkflowRecord>;
}

export function bodiesOf({ episode, ledger, recorder, note }: BodiesOptions): RunBody {
  return async (step, of) => {
    const { run, name, body } = of;
    const { token } = step;
    // The moment is read before the lease, so that what is recorded is never more than what was promised.
    const at = monotonic();
    note({ e: 'begins', run, step: name, token, valid: step.lease.remaining() > 0 }, at);
    let done = false;
    try {
      for (let index = 0; index < body.chunks; index += 1) await step.stream(LOG).write(`${token} ${index}`);
      await pause(systemClock, body.takes, body.heedless ? undefined : step.signal);
      if (!body.heedless) step.signal.throwIfAborted();
      if (isFatal(body)) throw new NonRetryableError(PLANNED);
      if (step.attempt <= body.fails) throw new Error(PLANNED);
      if (body.does === 'write') await write(step, of);
      if (body.does === 'effect') step.effect('HINCRBY', effectsKey(episode), effectOf(run, name), 1);
      done = true;
      return token;
    } finally {
      note({ e: 'ends', run, step: name, token, valid: step.lease.remaining() > 0, done });
    }
  };

  async function write({ token, issuer }: Step, { run, name, line, body }: BodyOf): Promise<void> {
    const append = await ledger.open({ token, issuer, resource: line });
    // What was read may be outdated by the time of the write that builds on it: the guard must then refuse the write.
    if (body.between > 0) await pause(systemClock, body.between);
    const id = recorder.invoke({ f: 'write', lease: effectOf(run, name), resource: line, token });
    try {
      await append(id);
      recorder.ok(id, monotonic(), { token });
    } catch (error) {
      recorder.failed(id, error);
      throw error;
    }
  }
}
