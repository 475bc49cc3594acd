/**
 * The replica of a store's server: it has what the server had a while ago.
 *
 * Guarantees: what it shows is what the server was at one moment, and never earlier than what it has shown before, but where
 * the server has lost something. While the plan has it stop, it stays as it is.
 */
import type { World } from '../world/world.js';
import type { FeaturesPlan, ReplicaPlan } from './plan.js';

/** Beside the server that it follows. */
export const REPLICA = 1;

export function followStore(world: World<FeaturesPlan>, { every, lag, stops }: ReplicaPlan): void {
  const { scheduler, store } = world;
  const replica = world.nodes[REPLICA];
  const isStopped = (): boolean =>
    stops.some(({ at, for: length }) => 1_000 * at <= scheduler.now && scheduler.now < 1_000 * (at + length));
  const send = (): void => {
    if (store.isUp && !isStopped()) {
      const snapshot = store.server.snapshot();
      scheduler.after(1_000 * lag, () => {
        if (replica?.isUp) replica.server.follow(snapshot);
      });
    }
    scheduler.after(1_000 * every, send);
  };
  send();
}
