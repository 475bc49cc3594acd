/**
 * Schedules: one process of an engine begins a run and is frozen (SIGSTOP) at a random moment of it, another takes the
 * run over and ends it, and the first goes on (SIGCONT).
 *
 * Guarantees: a schedule is judged only when the first process does nothing for the run any more. Whatever happens, `stop`
 * ends all processes.
 */
import type { Random } from '@holdfast/kernel';
import type { Redis } from 'ioredis';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { MOMENT, type Servers, STEPS, type Subject } from './subjects/subject.js';
import type { Request } from './worker-process.js';

/** How many schedules had this. */
export interface Counts {
  readonly schedules: number;
  /** The second process had something to do: the first was frozen in time. */
  readonly takenOver: number;
  /** The first wrote to the outside after the second had. */
  readonly staleWrites: number;
  /** What the engine keeps of the run changed after the run was over. */
  readonly staleCommits: number;
}

/** From the beginning of a run, in ms: some are over by then. */
const LONGEST = STEPS * 2 * MOMENT * 1.5;

export class Schedules {
  readonly #subject: Subject;
  readonly #servers: Servers;
  readonly #redis: Redis;
  readonly #random: Random;
  readonly #processes = new Map<string, Promise<MeasuringProcess>>();

  constructor(subject: Subject, parts: { servers: Servers; redis: Redis; random: Random }) {
    this.#subject = subject;
    this.#servers = parts.servers;
    this.#redis = parts.redis;
    this.#random = parts.random;
  }

  /** `name` is that of the round: runs must have names of their own. */
  async run(count: number, name: string): Promise<Counts> {
    const seen = { schedules: 0, takenOver: 0, staleWrites: 0, staleCommits: 0 };
    for (let schedule = 0; schedule < count; schedule += 1) {
      const { log, changed } = await this.#schedule(`${name}.${schedule}`);
      const takenOver = log.indexOf('second');
      seen.schedules += 1;
      if (takenOver >= 0) seen.takenOver += 1;
      if (takenOver >= 0 && log.lastIndexOf('first') > takenOver) seen.staleWrites += 1;
      if (changed) seen.staleCommits += 1;
    }
    return seen;
  }

  async stop(): Promise<void> {
    for (const each of this.#processes.values()) (await each.catch(() => undefined))?.stop();
    this.#processes.clear();
  }

  async #schedule(run: string): Promise<{ log: readonly string[]; changed: boolean }> {
    const first = await this.#process('first');
    await first.ask({ begin: run } satisfies Request);
    await new Promise((resolve) => setTimeout(resolve, this.#random.unit() * LONGEST));
    first.signal('SIGSTOP');
    const second = await this.#process('second');
    await second.ask({ takeOver: run } satisfies Request);
    const kept = await second.ask<string>({ kept: run } satisfies Request);
    first.signal('SIGCONT');
    await first.ask({ settle: run } satisfies Request);
    const changed = (await second.ask<string>({ kept: run } satisfies Request)) !== kept;
    if (this.#subject.isStartedAnew) this.#end('second', second);
    return { log: await this.#redis.lrange(`log:${run}`, 0, -1), changed };
  }

  #process(name: string): Promise<MeasuringProcess> {
    const known = this.#processes.get(name);
    if (known) return known;
    const { redis, postgres } = this.#servers;
    const started = new MeasuringProcess(processFile(import.meta.url, 'worker-process'), [
      this.#subject.name,
      name,
      redis,
      postgres,
    ]);
    const ready = started.started().then(() => started);
    this.#processes.set(name, ready);
    return ready;
  }

  #end(name: string, process: MeasuringProcess): void {
    process.stop();
    this.#processes.delete(name);
  }
}
