/**
 * What is compared: an engine, and how two processes of it run the same durable program, one after the other.
 *
 * The program is the same for all: STEPS steps, each of which waits a moment, writes the name of its worker to a list
 * outside of the engine, and waits a moment again (`Effects`).
 */

export const STEPS = 3;

/** How long a step waits before its write, and after it, in ms. */
export const MOMENT = 5;

export interface Servers {
  readonly redis: string;
  readonly postgres: string;
}

/** What a step does outside of the engine. */
export interface Effects {
  /** Writes what has to be written once, wherever the engine has no token that could be checked. */
  write(run: string): Promise<void>;
  moment(): Promise<void>;
  /** The name of this process. */
  readonly worker: string;
}

/** An engine in one process. */
export interface Engine {
  /** Begins a run here; resolves when nothing of it goes on here any more, however it has ended. */
  run(run: string): Promise<void>;
  /** Takes over what another process has begun, as the engine's documentation says; resolves when the run is over. */
  takeOver(run: string): Promise<void>;
  /** All that the engine keeps of a run that is over, as text. */
  kept(run: string): Promise<string>;
}

export interface Subject {
  readonly name: string;
  /** Whose version the report names. */
  readonly package: string | undefined;
  /** How the second process comes to have the run. */
  readonly takesOver: string;
  /** Whether the second process is started for each run, because it takes over only what it finds when it starts. */
  readonly isStartedAnew: boolean;
  /** Of the schedules of a round: those of engines that take over slowly are fewer. */
  readonly share: number;
  open(servers: Servers, effects: Effects): Promise<Engine>;
}
