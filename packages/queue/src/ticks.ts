/**
 * Runs the ticks of schedules that are due. The calls of a worker's session learn of them (lua/work.lua,
 * lua/renew.lua), even while all workers are busy.
 *
 * Guarantees: exactly one task for each tick, however many workers see that it is due, because the first of them sets
 * the next tick in the same step. A tick at whose time there was a worker gets its task; for other ticks, the schedule
 * decides.
 */
import { Health, type Report, ticksOf } from '@holdfast/redis';
import type { DueTicks } from './claimed.js';
import type { QueuePort } from './port.js';
import { type Kept, recordOf } from './schedule.js';
import { tick } from './verbs.js';

/** How long after a tick a worker may begin and still run it, in ms: as when it takes the place of another worker. */
const LATE = 1_000;

interface TickRunnerOptions {
  readonly report: Report;
  /** Once it has aborted, there is no wait after a failure. */
  readonly ending: AbortSignal;
  /** Called when ticks have been run, or could not be: the queue is to be asked again, as more may be due. */
  readonly onDone: () => void;
}

/** Runs the ticks that the calls of one session have learned of. */
export class TickRunner {
  readonly #port: QueuePort;
  readonly #options: TickRunnerOptions;
  /** Separate from that of other calls: ticks may fail while all else goes well, as on a server that is full. */
  readonly #health: Health;
  #isRunning = false;

  constructor(port: QueuePort, options: TickRunnerOptions) {
    this.#port = port;
    this.#options = options;
    this.#health = new Health(port, options.report);
  }

  /** Adds the tasks of all ticks that are due, unless it is already doing so. A failure is reported. */
  run(ticks: DueTicks): void {
    if (ticks.due.length > 0 && !this.#isRunning) void this.#run(ticks);
  }

  async #run(ticks: DueTicks): Promise<void> {
    this.#isRunning = true;
    try {
      await Promise.all(ticks.due.map((due) => runSchedule(this.#port, due, ticks)));
      this.#health.succeeded();
    } catch (error) {
      this.#health.failed(error);
      await this.#health.pause(undefined, this.#options.ending);
    }
    this.#isRunning = false;
    this.#options.onDone();
  }
}

/** Throws UnavailableError. */
async function runSchedule(
  port: QueuePort,
  due: DueTicks['due'][number],
  { now, since }: DueTicks,
): Promise<void> {
  const kept = JSON.parse(due.kept) as Kept;
  const { schedule } = kept;
  const record = recordOf(kept, now);
  for (let at: number | undefined = due.at; at !== undefined && at <= now; ) {
    const { times, next } = ticksOf(schedule, { at, now, since: since - LATE });
    const tasks = times.map((time) => ({ id: `schedule:${due.schedule}:${time}`, record }));
    const request = { schedule: due.schedule, at, next: String(next ?? ''), most: schedule.count, tasks };
    if (!(await port.call(tick, request))) return; // another worker does it
    at = next;
  }
}
