/**
 * Schedules: one process of an engine begins a run and is frozen (SIGSTOP) at a random moment of it, another takes the
 * run over and ends it, and the first goes on (SIGCONT).
 *
 * Guarantees: a schedule is judged only when the first process does nothing for the run any more. Whatever happens, `stop`
 * ends all processes.
 */
import { setTimeout } from 'node:timers/promises';
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
  /** The second could not end the run as long as the first was frozen; nothing else is judged then. */
  readonly blocked: number;
  /** The first wrote to the outside after the second had. */
  readonly staleWrites: number;
  /** What the engine keeps of the run changed after the run was over. */
  readonly staleCommits: number;
}

/** What a schedule has shown. */
interface Shown {
  /** Who has written, in order. */
  readonly log: readonly string[];
  readonly isBlocked: boolean;
  /** Whether what is kept of the run has changed after its end. */
  readonly isChanged: boolean;
}

/** For how long a frozen process is waited for, in ms. */
const PATIENCE = 10_000;

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
    const seen = { schedules: 0, takenOver: 0, blocked: 0, staleWrites: 0, staleCommits: 0 };
    for (let schedule = 0; schedule < count; schedule += 1) {
      const { log, isBlocked, isChanged } = await this.#schedule(`${name}.${schedule}`);
      seen.schedules += 1;
      if (isBlocked) seen.blocked += 1;
      const takenOver = log.indexOf('second');
      if (takenOver < 0 || isBlocked) continue;
      seen.takenOver += 1;
      if (log.lastIndexOf('first') > takenOver) seen.staleWrites += 1;
      if (isChanged) seen.staleCommits += 1;
    }
    return seen;
  }

  async stop(): Promise<void> {
    for (const each of this.#processes.values()) (await each.catch(() => undefined))?.stop();
    this.#processes.clear();
  }

  async #schedule(run: string): Promise<Shown> {
    const first = await this.#process('first');
    await first.ask({ begin: run } satisfies Request);
    await setTimeout(this.#random.unit() * LONGEST);
    first.signal('SIGSTOP');
    const second = await this.#process('second');
    const over = second.ask({ takeOver: run } satisfies Request);
    const isBlocked = await Promise.race([
      over.then(() => false),
      setTimeout(PATIENCE, true, { ref: false }),
    ]);
    const kept = isBlocked ? '' : await second.ask<string>({ kept: run } satisfies Request);
    first.signal('SIGCONT');
    await Promise.all([over, first.ask({ settle: run } satisfies Request)]);
    const isChanged = (await second.ask<string>({ kept: run } satisfies Request)) !== kept;
    if (this.#subject.isStartedAnew) this.#end('second', second);
    return { log: await this.#redis.lrange(`log:${run}`, 0, -1), isBlocked, isChanged };
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
