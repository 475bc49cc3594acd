/**
 * Hands runs that are over to the archive of the app, before they go.
 *
 * Guarantees: a run goes once the archive has resolved, or 30 days later. Each is handed over at least once, under a token
 * above all that its steps had: one whose worker was lost, or whose archive has failed, is handed over again after 5 min, and
 * then what an earlier call still writes through a guard is refused. While the archive fails, there is a `problem`; also when
 * a call has lasted for so long, which then keeps no other runs waiting, and still counts if it resolves in time.
 */
import { type Clock, LeaseLostError, messageOf, pause, type TokenHolder } from '@holdfast/kernel';
import type { Report } from '@holdfast/redis';
import { readJournal } from '../journal/read.js';
import type { JournalRecord } from '../journal/record.js';
import { parseRunName } from '../run-name.js';
import type { ToArchive } from '../store/run-store.js';
import type { Store } from '../store/store.js';

/** A run that is over, for an archive. It is a holder for every guard, under a token above all that its steps had. */
export interface ArchivedRun extends TokenHolder {
  readonly workflow: string;
  readonly id: string;
  /** With which it was started, if it was not its id. */
  readonly key: string | undefined;
  /** Its journal, from its header to its end. */
  readonly records: readonly JournalRecord[];
}

export type Archive = (run: ArchivedRun) => unknown;

export interface ArchiverParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly archive: Archive;
  readonly report: Report;
}

/** Runs that are handed over at a time. */
const AT_ONCE = 16;
/** After which another may have it, in ms; and as much earlier as the call that gave it may have lasted. */
const PATIENCE = 300_000 - 60_000;

export class Archiver {
  readonly #parts: ArchiverParts;
  #working: Promise<void> | undefined;
  #isStopped = false;
  #problem: string | undefined;

  constructor(parts: ArchiverParts) {
    this.#parts = parts;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** There may be something to hand over. */
  look(): void {
    if (this.#isStopped) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when what was handed over is done with. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#working;
  }

  /** Never rejects: what could not be asked for now is asked for with the next look. */
  async #work(): Promise<void> {
    while (!this.#isStopped) {
      const runs = await this.#parts.store.archive(AT_ONCE).catch(() => []);
      const done = await Promise.all(runs.map((run) => this.#archive(run)));
      // One that fails is not called in a hurry.
      if (runs.length === 0 || done.includes(false)) return;
    }
  }

  /** Whether the archive has it, false too once its time is over. */
  async #archive(run: ToArchive): Promise<boolean> {
    const over = new AbortController();
    const late = new Promise<boolean>((resolve) => {
      over.signal.addEventListener('abort', () => resolve(this.#failed(over.signal.reason)));
    });
    const lost = new LeaseLostError(
      `The run ${run.run} may be with another archive by now, because this one took too long. Stop its work.`,
      { resource: run.run, token: run.token },
    );
    const patience = this.#parts.clock.after(PATIENCE, () => over.abort(lost), { keepAlive: false });
    const given = this.#give(run, over.signal).finally(() => patience.cancel());
    return Promise.race([given, late]);
  }

  async #give({ run, generation, token }: ToArchive, signal: AbortSignal): Promise<boolean> {
    const { store, archive } = this.#parts;
    try {
      const { workflow, id, key } = parseRunName(run);
      const records = await readJournal(store, { run, generation });
      if (records.length === 0) return true; // it was purged meanwhile, or retried
      await archive({
        ...{ workflow, id, key, token, issuer: store.issuer, resource: `${store.issuer}/${run}` },
        records,
        signal,
      });
      this.#problem = undefined;
      await this.#purge({ run, generation, token });
      return true;
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): false {
    const { store, report } = this.#parts;
    if (this.#problem === undefined && !store.closed.aborted) report(error);
    this.#problem = `its archive has failed: ${messageOf(error)}`;
    return false;
  }

  /** What cannot be purged is handed over again. */
  async #purge(run: ToArchive): Promise<void> {
    const { store, clock } = this.#parts;
    for (let tries = 0; tries < 3; tries += 1) {
      try {
        await store.purge(run);
        return;
      } catch {
        await pause(clock, 100 * 2 ** tries, store.closed);
      }
    }
  }
}
