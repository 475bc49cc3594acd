/**
 * `npm run bench -- features`: rows that are written under a token and checked, beside a pipeline of HSET that checks nothing;
 * and reads of a service, beside a pipeline of HMGET.
 *
 * Guarantees: all sides run in this process, on one server, and take turns within a round; the order changes from round to
 * round. Every row that is landed is accepted, which is checked, so that nobody is fast by refusing. Whatever happens, `stop`
 * ends the server.
 */
import {
  createFeatures,
  entity,
  type Features,
  type Lane,
  type LaneRow,
  service,
  t,
  view,
} from '@holdfast/features';
import { type LocalNodes, startNodes } from '@holdfast/local';
import { Redis } from 'ioredis';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, numberSpread, type Report, ratioSpread } from '../harness/report.js';
import { pairedRatio, quantile, spread } from '../harness/statistics.js';
import { atLeast, atMost } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { NodeObserver } from '../redis-info.js';

export const features: Benchmark = {
  about: 'rows of features written and read, compared with pipelines of HSET and HMGET',
  workloads: ['land', 'read'],
  open: (call) => new FeaturesBenchmark(call),
};

const NAMES = Array.from({ length: 10 }, (_, n) => `f${n}`);
const FIELDS = Object.fromEntries(NAMES.map((name) => [name, t.float64()]));
const user = entity('user');
const plain = view('plain', { entity: user, fields: FIELDS, history: false });
const logged = view('logged', { entity: user, fields: FIELDS });
const both = service('both', { views: { plain, logged } });

type BenchRow = LaneRow<typeof user, typeof FIELDS>;

/** A row of each user, but for its time. Both sides write these: making them is no part of what is measured. */
const rowsOf = (users: number): readonly Omit<BenchRow, 'time'>[] =>
  Array.from({ length: users }, (_, n) => ({
    id: `u${n}`,
    values: Object.fromEntries(NAMES.map((name, at) => [name, n + at / 10])),
  }));

const USERS = 20_480;
const PER_REQUEST = 10;
const IN_FLIGHT = 16;
const CHUNK = 2_048;
const PIPELINE = 256;

/** Of each round: how many in a second, and the CPU time of the server and of this process for each, in microseconds. */
interface Series {
  readonly rates: number[];
  readonly cpu: number[];
  readonly own: number[];
  /** Of reads: the 99th percentile, in ms. */
  readonly p99: number[];
}

const emptySeries = (): Series => ({ rates: [], cpu: [], own: [], p99: [] });

class FeaturesBenchmark implements Run {
  readonly #call: Call;
  readonly #rows: number;
  readonly #requests: number;
  #nodes: LocalNodes | undefined;
  #redis: Redis | undefined;
  #store: Features | undefined;
  #observer: NodeObserver | undefined;
  readonly #prepared = rowsOf(USERS);
  #time = Date.now() - 86_400_000;

  constructor(call: Call) {
    this.#call = call;
    this.#rows = call.quick ? 20_480 : 102_400;
    this.#requests = call.quick ? 200 : 8_000;
  }

  async run(): Promise<Report> {
    const environment = describeMachine();
    this.#nodes = await startNodes(1);
    const [url = ''] = this.#nodes.urls;
    this.#redis = new Redis(url);
    this.#observer = new NodeObserver([url]);
    this.#store = createFeatures({ redis: url, name: 'bench', views: [plain, logged], services: [both] });
    await this.#store.apply();
    const holder = { token: 1, resource: 'bench', issuer: 'bench' };
    const lanes = {
      plain: await this.#store.open(plain, { holder }),
      logged: await this.#store.open(logged, { holder }),
    };
    const sides = {
      land: new Map<string, () => Promise<unknown>>([
        ['checked', () => this.#land(lanes.plain)],
        ['checked and logged', () => this.#land(lanes.logged)],
        ['HSET', () => this.#hset()],
      ]),
      read: new Map<string, () => Promise<unknown>>([
        ['get', () => this.#get()],
        ['HMGET', () => this.#hmget()],
      ]),
    };
    const measured = new Map<string, Series>();
    for (let round = 0; round <= this.#call.rounds; round += 1) {
      for (const [workload, of] of Object.entries(sides)) {
        // Reads need what the first, which is not counted, writes.
        if (!this.#call.workloads.has(workload) && (workload === 'read' || round > 0)) continue;
        for (const [name, measure] of turns([...of], round)) {
          const series = measured.get(name) ?? emptySeries();
          measured.set(name, series);
          await this.#measure(
            workload === 'land' ? this.#rows : this.#requests,
            measure,
            round > 0 ? series : emptySeries(),
          );
        }
      }
      const logs = await this.#redis.keys('*:log');
      if (logs.length > 0) await this.#redis.del(logs);
      this.#call.progress(`round ${round} of ${this.#call.rounds}`);
    }
    return this.#report(measured, environment);
  }

  async stop(): Promise<void> {
    await this.#store?.close();
    this.#redis?.disconnect();
    this.#observer?.close();
    await this.#nodes?.stop();
  }

  async #measure(count: number, work: () => Promise<unknown>, series: Series): Promise<void> {
    const before = (await this.#observer?.counters())?.cpu ?? 0;
    const used = process.cpuUsage();
    const begin = performance.now();
    const times = await work();
    series.rates.push((count / (performance.now() - begin)) * 1_000);
    const { user, system } = process.cpuUsage(used);
    series.own.push((user + system) / count);
    series.cpu.push((((await this.#observer?.counters())?.cpu ?? 0) - before) / count);
    if (Array.isArray(times)) series.p99.push(quantile(times as number[], 0.99));
  }

  /** Rows of all users in turn, each later than the one before. */
  #rowsFrom(from: number, count: number): readonly BenchRow[] {
    const time = this.#time;
    const begin = from % USERS;
    return this.#prepared.slice(begin, begin + count).map(({ id, values }) => ({ id, time, values }));
  }

  /** Two chunks are under way, so that this process and the server work in parallel. */
  async #land(lane: Lane<BenchRow>): Promise<void> {
    this.#time += 1;
    const before = lane.stats().accepted;
    await this.#inParallel(this.#rows / CHUNK, 2, async (chunk) => {
      await lane.land(this.#rowsFrom(chunk * CHUNK, CHUNK));
      if ((chunk + 1) % (USERS / CHUNK) === 0) this.#time += 1;
    });
    const accepted = lane.stats().accepted - before;
    if (accepted !== this.#rows) throw new Error(`${accepted} rows of ${this.#rows} were accepted.`);
  }

  async #hset(): Promise<void> {
    await this.#inParallel(this.#rows / PIPELINE, 16, async (turn) => {
      const pipeline = this.#redis?.pipeline();
      const begin = (turn * PIPELINE) % USERS;
      for (const { id, values } of this.#prepared.slice(begin, begin + PIPELINE))
        pipeline?.hset(`hash:${id}`, values);
      await pipeline?.exec();
    });
  }

  #get(): Promise<number[]> {
    return this.#timed(async (ids) => {
      await this.#store?.get(
        both,
        ids.map((id) => ({ user: id })),
      );
    });
  }

  /** A hash has one view; the other is read from it again, so that as many values are read. */
  #hmget(): Promise<number[]> {
    return this.#timed(async (ids) => {
      const pipeline = this.#redis?.pipeline();
      for (const id of ids) pipeline?.hmget(`hash:${id}`, ...NAMES, ...NAMES);
      const rows = (await pipeline?.exec()) ?? [];
      for (const [, values] of rows) (values as string[]).map(Number);
    });
  }

  async #timed(read: (ids: readonly string[]) => Promise<void>): Promise<number[]> {
    const times: number[] = [];
    await this.#inParallel(this.#requests, IN_FLIGHT, async (turn) => {
      const ids = Array.from({ length: PER_REQUEST }, (_, n) => `u${(turn * 997 + n * 31) % USERS}`);
      const begin = performance.now();
      await read(ids);
      times.push(performance.now() - begin);
    });
    return times;
  }

  async #inParallel(count: number, most: number, work: (turn: number) => Promise<void>): Promise<void> {
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < count) {
        next += 1;
        await work(next - 1);
      }
    };
    await Promise.all(Array.from({ length: most }, one));
  }

  #report(measured: ReadonlyMap<string, Series>, environment: Record<string, string>): Report {
    const of = (name: string): Series => measured.get(name) ?? emptySeries();
    const to = (name: string, other: string) => pairedRatio(of(name).rates, of(other).rates);
    const row = (name: string, other: string): string[] => [
      name,
      numberSpread(spread(of(name).rates)),
      numberSpread(spread(of(name).cpu)),
      numberSpread(spread(of(name).own)),
      of(name).p99.length > 0 ? numberSpread(spread(of(name).p99)) : '',
      name === other ? '' : ratioSpread(to(name, other)),
    ];
    return {
      title: 'The feature store',
      command: this.#call.command,
      environment: { ...environment, rounds: String(this.#call.rounds) },
      targets: [
        atLeast('rows/s, with history: to HSET', to('checked and logged', 'HSET'), 2.5),
        atLeast('rows/s, without history: to HSET', to('checked', 'HSET'), 3),
        atMost('Redis CPU of a row, without history, in µs', spread(of('checked').cpu), 4),
        atMost('Redis CPU of a row, with history, in µs', spread(of('checked and logged').cpu), 5),
        atLeast('requests/s: to HMGET', to('get', 'HMGET'), 8),
        atMost('p99 of a request, in ms', spread(of('get').p99), 5),
      ],
      tables: [
        {
          title: 'land',
          about: `${this.#rows} rows of 10 numbers over ${USERS} users, from one process. HSET: pipelines of ${PIPELINE} by ioredis, 16 under way, which check nothing. More is better, but for CPU.`,
          columns: ['', 'rows/s', 'CPU of Redis, µs a row', 'of this process', '', 'to HSET'],
          rows: ['checked', 'checked and logged', 'HSET'].map((name) => row(name, 'HSET')),
        },
        {
          title: 'read',
          about: `${this.#requests} requests for ${PER_REQUEST} users with 20 numbers each, ${IN_FLIGHT} under way, from one process. HMGET: a pipeline by ioredis, with the texts turned into numbers.`,
          columns: ['', 'requests/s', 'CPU of Redis, µs a request', 'of this process', 'p99, ms', 'to HMGET'],
          rows: ['get', 'HMGET'].map((name) => row(name, 'HMGET')),
        },
      ],
      remarks: [],
      data: measured,
    };
  }
}
