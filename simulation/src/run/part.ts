/**
 * What is simulated joins a run with a part of its own: its processes, who judges them, and what they do when all faults
 * are healed. The rest, run.ts and crew.ts, is the same for all.
 */
import type { Fault } from '../plan/plan.js';
import type { Command } from '../world/connection.js';
import type { Machine } from '../world/machine.js';
import type { SimulatedNode } from '../world/node.js';
import type { Actor, Crew } from './crew.js';

export interface Violation {
  readonly rule: string;
  readonly message: string;
}

export type Violate = (rule: string, message: string) => void;

/** Who sees everything. */
export interface Judge {
  readonly violations: readonly Violation[];
  violate(rule: string, message: string): void;
  /** The process is gone. */
  died(machine: Machine): void;
}

/** What happens besides the plan's steps, and after them. */
export interface Phases {
  readonly isDone: boolean;
  /** True time at which a run that is not done is stuck, in microseconds. */
  readonly deadline: number;
  /** For what is said of a run that is stuck. */
  readonly whatIsLeft: string;
  /** All processes have begun. */
  start(): void;
  /** All faults are healed, all processes live, and none begins another step. */
  heal(): void;
  /** The last of those who were busy has finished. */
  idle?(): void;
}

/** `S` is a step of the plan, and `A` a process that carries it out. */
export interface Part<S, A extends Actor<S>> {
  readonly oracle: Judge;
  begin(place: number, life: number): A;
  phases(crew: Crew<S, A>): Phases;
  /** A node has carried out a command. */
  onCommand(node: SimulatedNode, command: Command, reply: unknown): void;
  /** A node is back, or has forgotten everything. */
  onRestart?(node: SimulatedNode): void;
  /** A fault is about to happen. */
  onFault?(fault: Fault): void;
  /** How long the world goes on when all are done and have closed, in ms. */
  readonly aftermath: number;
  /** Called then. */
  judgeAftermath?(): void;
  count(): Counts;
}

/** What a run came to, in the words of its scenario. */
export interface Counts {
  readonly grants: number;
  readonly writes: number;
}
