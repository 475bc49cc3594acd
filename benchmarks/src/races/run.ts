/**
 * `npm run bench -- races`: two processes write the same keys at the same time, one with the older values and one with the
 * newer; how many keys end with the older one.
 *
 * Guarantees: both processes are ready before either begins; which one begins first, and by how much, is drawn anew for each
 * round, the same for all contestants. Contestants take turns within a round, and each round has keys of its own. Every key
 * is read at the end, and one that has neither value fails the benchmark.
 */
import { seededRandom } from '@holdfast/kernel';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { describeMachine, number, type Report } from '../harness/report.js';
import { note, type Results, tableOf, valuesOf } from '../harness/results.js';
import { spread } from '../harness/statistics.js';
import { never } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { NodeObserver } from '../redis-info.js';
import type { Request } from './writer-process.js';
import { BATCH, keyOf, openStore, profile, type WriterName } from './writers.js';

export const races: Benchmark = {
  about: 'two writers of the same keys: how many end with the older value, beside the protocol of Feast',
  workloads: ['race'],
  open: (call) => new RacesRun(call),
};

const WRITERS: readonly WriterName[] = ['Holdfast', 'Feast', 'HSET'];
const OLDER = 'keys that end with the older value';
/** By how much the one begins before the other at most, in ms. */
const MOST_APART = 20;
const NEWER = Date.now() - 60_000;

interface Written {
  readonly took: number;
  readonly cpu: number;
}

class RacesRun implements Run {
  readonly #call: Call;
  readonly #keys: number;
  readonly #results: Results = new Map();
  readonly #random = seededRandom(20_000);
  #nodes: LocalNodes | undefined;
  #redis: Redis | undefined;
  #observer: NodeObserver | undefined;
  #processes: MeasuringProcess[] = [];

  constructor(call: Call) {
    this.#call = call;
    this.#keys = call.quick ? 2_000 : 20_000;
  }

  async run(): Promise<Report> {
    const environment = describeMachine();
    this.#nodes = await startNodes(1);
    const [url = ''] = this.#nodes.urls;
    this.#redis = new Redis(url);
    this.#observer = new NodeObserver([url]);
    this.#processes = [0, 1].map(
      () => new MeasuringProcess(processFile(import.meta.url, 'writer-process'), [url]),
    );
    await Promise.all(this.#processes.map((each) => each.started()));
    for (let round = 0; round <= this.#call.rounds; round += 1) {
      const lead = (this.#random.unit() * 2 - 1) * MOST_APART;
      for (const writer of turns(WRITERS, round)) {
        const numbers = await this.#race(writer, `round${round}`, lead);
        // The first is not counted: the code is compiled in it.
        if (round > 0) note(this.#results, { workload: 'race', contestant: writer }, numbers);
      }
      const older = WRITERS.map((writer) => `${writer} ${valuesOf(this.#results, OLDER, writer).at(-1)}`);
      if (round > 0) this.#call.progress(`round ${round} of ${this.#call.rounds}: ${older.join(', ')}`);
    }
    return this.#report({ ...environment, redis: await this.#observer.redisVersion() });
  }

  async stop(): Promise<void> {
    for (const each of this.#processes) each.stop();
    this.#observer?.close();
    this.#redis?.disconnect();
    await this.#nodes?.stop();
  }

  async #race(writer: WriterName, name: string, lead: number) {
    await this.#redis?.flushall();
    if (writer === 'Holdfast') {
      await using store = openStore(this.#nodes?.urls[0] ?? '', name);
      await store.apply();
    }
    const common = { writer, name, count: this.#keys };
    const works = [
      { ...common, lane: 'batch' as const, time: NEWER - 10_000, delay: Math.max(0, lead) },
      { ...common, lane: 'stream' as const, time: NEWER, delay: Math.max(0, -lead) },
    ];
    const ask = <T>(request: (at: number) => Request): Promise<T[]> =>
      Promise.all(this.#processes.map((each, at) => each.ask<T>(request(at))));
    await ask((at) => ({ prepare: works[at] as (typeof works)[0] }));
    const before = (await this.#observer?.counters())?.cpu ?? 0;
    const written = await ask<Written>(() => 'write');
    const cpu = ((await this.#observer?.counters())?.cpu ?? 0) - before;
    const rows = 2 * this.#keys;
    return {
      [OLDER]: await this.#older(writer, name),
      'rows/s of both together': rows / (Math.max(...written.map(({ took }) => took)) / 1_000),
      'CPU of Redis, µs a row': cpu / rows,
      'CPU of the writers, µs a row': written.reduce((sum, each) => sum + each.cpu, 0) / rows,
    };
  }

  async #older(writer: WriterName, name: string): Promise<number> {
    let older = 0;
    for (let from = 0; from < this.#keys; from += BATCH) {
      const users = Array.from({ length: BATCH }, (_, n) => from + n);
      const found = await (writer === 'Holdfast' ? this.#stored(name, users) : this.#hashed(name, users));
      for (const value of found) {
        if (value !== NEWER && value !== NEWER - 10_000) throw new Error(`A key has the value ${value}.`);
        if (value !== NEWER) older += 1;
      }
    }
    return older;
  }

  async #stored(name: string, users: readonly number[]): Promise<unknown[]> {
    await using store = openStore(this.#nodes?.urls[0] ?? '', name);
    const rows = await store.rows(
      profile,
      users.map((n) => `u${n}`),
    );
    return rows.map(({ values }) => values['f9']);
  }

  async #hashed(name: string, users: readonly number[]): Promise<unknown[]> {
    const reading = this.#redis?.pipeline();
    for (const n of users) reading?.hget(keyOf(name, n), 'f9');
    return ((await reading?.exec()) ?? []).map(([, value]) => Number(value));
  }

  #report(environment: Record<string, string>): Report {
    const older = (writer: WriterName) => spread(valuesOf(this.#results, OLDER, writer));
    return {
      title: 'Two writers of the same features',
      command: this.#call.command,
      environment: { ...environment, rounds: String(this.#call.rounds) },
      targets: [never('Holdfast: keys with the older value', older('Holdfast'))],
      tables: [
        tableOf(this.#results, {
          workload: 'race',
          about: `Two processes write ${number(this.#keys)} keys with 10 numbers each in batches of ${number(BATCH)}: one of them values whose event time is ten seconds older. Median of the rounds (min–max). Less is better, but for rows/s.`,
          contestants: WRITERS,
          isCompared: false,
        }),
      ],
      remarks: [
        'Feast: the commands of its online store for Redis, which reads the event times of a batch in one pipeline and writes what is newer in another; from Node.js here, not from Python.',
        'HSET: a pipeline that checks nothing.',
        'Holdfast: the older values come in the lane "batch", the newer ones in the lane "stream", with history; the event time decides, not the lane.',
        `Which of them begins first, and by up to ${MOST_APART} ms, is drawn for each round, the same for all. How many keys end with the older value depends on that and on the load of the machine; with Holdfast it does not.`,
      ],
      data: this.#results,
    };
  }
}
