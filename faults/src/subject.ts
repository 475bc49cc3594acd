/**
 * The subject of the faults, such as the locks or a queue: how it is deployed, what its clients do, and how their
 * records are judged. All subjects share one harness: episode.ts carries out an episode, run.ts repeats episodes.
 */
import type { Violation } from './check/index.js';
import type { Deployed } from './deployment/deployment.js';
import type { PlannedFault } from './nemesis/fault.js';
import type { Call } from './options.js';

/** `A` is what a client process is told, besides its name, its seed and where its history goes. */
export interface Subject<A extends object = object> {
  /** How many episodes the same servers serve. */
  readonly stage: number;
  /** The servers for the stage of this number, from 0. */
  deploy(call: Call, stage: number): Promise<Deployed>;
  /** The settings that differ from episode to episode. */
  prepare(episode: Episode): Prepared<A>;
  /** One line for whoever watches, of what all episodes have counted. */
  summarize(counts: ReadonlyMap<string, number>): string;
}

export interface Episode {
  readonly number: number;
  readonly seed: number;
  readonly clients: number;
  /** How many things each client does at a time, where it is to be said. */
  readonly workers: number;
  readonly deployed: Deployed;
}

interface Prepared<A extends object> {
  /** How long the faults last, in ms, if nothing else is said. */
  readonly duration: number;
  /** The module that each client process runs. */
  readonly program: string;
  readonly assign: (client: number) => A;
  /** How long the clients may take to end what they do, when all faults are over, in ms. */
  readonly finishWithin: number;
  drawSchedule(duration: number): readonly PlannedFault[];
  /** Judges the histories in the folder, when all clients have ended. */
  judge(folder: string): Promise<Judged>;
}

export interface Judged {
  readonly violations: readonly Violation[];
  /** The totals of the traffic, by names such as "write ok". */
  readonly counts: ReadonlyMap<string, number>;
}

export function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
