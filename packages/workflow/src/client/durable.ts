/**
 * What a caller is told only once replicas have it, where the app asks for that.
 *
 * Guarantees: what is confirmed was on the very server whose replicas have confirmed it: its epoch is the same before and
 * after. Rejections are UnavailableErrors: what was asked for may be there, and may be asked for again.
 */
import { type Clock, pause, UnavailableError } from '@holdfast/kernel';
import type { Outcome } from '../journal/record.js';
import type { RunRef } from '../store/claim.js';
import type { Store } from '../store/store.js';
import { type Hearing, outcomeOf, type Rest, type Waits } from './waits.js';

type ReplicatedStore = Pick<Store, 'isReplicated' | 'proof' | 'replicated'>;

/** Resolves once replicas have what was acknowledged of a run just now. */
export async function onReplicas(store: ReplicatedStore, run: RunRef): Promise<void> {
  if (!store.isReplicated) return;
  const { epoch, generation } = await store.proof(run);
  if (generation === run.generation && (await store.replicated()) === epoch) return;
  throw new UnavailableError(
    `Another server has taken over, which may not know what was done to the run ${run.run}. Do it again.`,
    [],
  );
}

interface Waiting {
  readonly run: RunRef;
  readonly signal: AbortSignal | undefined;
  readonly expected: Hearing | undefined;
}

/** As the waits tell it, but an end only once replicas have it. */
export function restOnReplicas(
  parts: { readonly store: ReplicatedStore; readonly waits: Waits },
  clock: Clock,
  { run, signal, expected }: Waiting,
): Promise<Rest | undefined> {
  const { store, waits } = parts;
  const rest = waits.wait(run, signal, expected);
  return store.isReplicated ? confirmed(rest) : rest;

  async function confirmed(heard: Promise<Rest | undefined>): Promise<Rest | undefined> {
    for (let next = heard; ; next = waits.wait(run, signal)) {
      const told = await next;
      if (told === undefined || told.status === 'stuck' || told.status === 'gone') return told;
      const end = await endOnReplicas(store, run);
      if (end) return end;
      await pause(clock, 50, signal);
    }
  }
}

/** How a run has ended, by a server whose replicas have that; undefined if it is not over there. */
async function endOnReplicas(store: ReplicatedStore, run: RunRef): Promise<Outcome | undefined> {
  const found = await store.proof(run);
  const { epoch, last } =
    found.generation === run.generation ? found : await store.proof({ ...run, generation: found.generation });
  return (await store.replicated()) === epoch && last !== '' ? outcomeOf(last) : undefined;
}
