/**
 * Training sets at size: labels joined with accepted rows by DuckDB on two threads, for each join.
 *
 * Guarantees: the rows and the labels are drawn anew for each run of the benchmark, into a folder that `stop` removes.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entity, service, t, view } from '@holdfast/features';
import { type Join, trainingSet } from '@holdfast/features/offline';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, numberSpread, type Report } from '../harness/report.js';
import { spread } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { type Connection, openDuckDb } from './duckdb.js';

const JOINS = ['as-served', 'event-time', 'known-at'] as const satisfies readonly Join[];

/** `npm run bench -- features-training`. */
export const featuresTraining: Benchmark = {
  about: 'training sets of a million labels and ten million rows, by DuckDB on two threads',
  workloads: JOINS,
  rounds: 2,
  open: (call) => new TrainingBenchmark(call),
};

const FEATURES = Array.from({ length: 10 }, (_, at) => `f${at}`);
const DAY = 86_400_000;
const profile = view('profile', {
  entity: entity('user'),
  ttl: 7 * DAY,
  fields: Object.fromEntries(FEATURES.map((name) => [name, t.float64()])),
});
const ranking = service('ranking', { views: { profile } });
/** Two generations, of which the second one goes live at the twentieth day. */
const BEGIN = Date.UTC(2026, 0, 1);
const LIVE = [
  { since: 0, generation: '1-0' },
  { since: BEGIN + 20 * DAY, generation: '2-5' },
];

class TrainingBenchmark implements Run {
  readonly #call: Call;
  #folder = '';
  #duckdb: Connection | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const environment = { ...describeMachine(), rounds: String(this.#call.rounds) };
    const [labels, rows] = this.#call.quick ? [10_000, 100_000] : [1_000_000, 10_000_000];
    this.#folder = await mkdtemp(join(tmpdir(), 'holdfast-training-'));
    this.#duckdb = await openDuckDb();
    this.#call.progress(`drawing ${rows} rows and ${labels} labels`);
    await this.#draw(labels, rows);
    const drawn = await peakMemory();
    const joins = JOINS.filter((name) => this.#call.workloads.has(name));
    const seconds = new Map(joins.map((name) => [name, [] as number[]]));
    for (let round = 0; round < this.#call.rounds; round += 1) {
      for (const name of joins) {
        this.#call.progress(`round ${round + 1}: ${name}`);
        seconds.get(name)?.push(await this.#join(name));
      }
    }
    const peak = await peakMemory();
    await this.stop();
    const served = spread(seconds.get('as-served') ?? []);
    return {
      title: 'Training sets',
      command: this.#call.command,
      environment,
      targets: [atMost('as-served: seconds', served, 5), atMost('peak memory: GB', spread([peak]), 2)],
      tables: [
        {
          title: 'joins',
          about: `${labels} labels and ${rows} rows of 10 float64 over 100,000 entities and 30 days, with a TTL of 7 days and two generations; from Parquet to Parquet. Seconds; median of the rounds (min–max). Less is better.`,
          columns: ['join', 'seconds'],
          rows: joins.map((name) => [name, numberSpread(spread(seconds.get(name) ?? []))]),
        },
      ],
      remarks: [
        `Peak memory of the whole process: ${peak.toFixed(2)} GB after all joins, of which drawing the rows had taken ${drawn.toFixed(2)} GB at its peak.`,
        'The service derives no features: those would take a call of a function for each label.',
      ],
      data: { seconds, peak, drawn },
    };
  }

  async stop(): Promise<void> {
    this.#duckdb?.closeSync();
    this.#duckdb = undefined;
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.parquet`);
  }

  /** Rows arrive within seconds, 2 % of them within a day; what a store would have accepted of them is kept. */
  async #draw(labels: number, rows: number): Promise<void> {
    const from = BEGIN * 1_000;
    const values = FEATURES.map((name) => `random() AS ${name}`).join(', ');
    const time = `(${from} + random() * ${30 * DAY * 1_000})::BIGINT`;
    const late = `"@time" + (CASE WHEN random() < 0.02 THEN random() * 86400e6 ELSE random() * 5e6 END)::BIGINT`;
    const arrivals = `SELECT 'u' || (i % 100000) AS "@id", CASE WHEN i % 3 = 0 THEN '2-5' ELSE '1-0' END AS "@generation", ${time} AS "@time", 0 AS "@seat", ${values} FROM range(${rows}) r(i)`;
    const placed = `SELECT *, ${late} AS "@place" FROM (${arrivals})`;
    const accepted = `SELECT * FROM (${placed}) QUALIFY "@time" >= max("@time") OVER (PARTITION BY "@id", "@generation" ORDER BY "@place")`;
    await this.#copy(accepted, 'rows');
    await this.#copy(
      `SELECT 'u' || (random() * 99999)::INT AS "user", make_timestamp(${time}) AS "at", (random() < 0.1)::INT AS y FROM range(${labels})`,
      'labels',
    );
  }

  async #copy(select: string, name: string): Promise<void> {
    await this.#duckdb?.run(`COPY (${select}) TO '${this.#file(name)}' (FORMAT parquet, COMPRESSION zstd)`);
  }

  async #join(name: Join): Promise<number> {
    const begun = performance.now();
    await trainingSet({
      ...{ duckdb: this.#duckdb as Connection, service: ranking, labels: [this.#file('labels')], at: 'at' },
      ...{
        out: this.#file(name),
        join: name,
        rows: { profile: { files: [this.#file('rows')], live: LIVE } },
      },
    });
    return (performance.now() - begun) / 1_000;
  }
}

/** Of this process so far, in GB. */
async function peakMemory(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 2 ** 20;
}
