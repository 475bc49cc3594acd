/**
 * Rows of features as bytes, beside the same values as JSON: how long it takes to write and to read one, and how many
 * bytes it has.
 *
 * Guarantees: both write and read every value; what is read is used, so that no compiler can leave it out.
 */
import { entity, t, view } from '@holdfast/features';
import { describe, RowEncoder, RowReader } from '@holdfast/features/testing';
import { seededRandom } from '@holdfast/kernel';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, numberSpread, type Report, ratioSpread, type Table } from '../harness/report.js';
import { pairedRatio, spread } from '../harness/statistics.js';
import { turns } from '../harness/turns.js';

/** `npm run bench -- features-codec`. */
export const featuresCodec: Benchmark = {
  about: 'rows of features as bytes compared with JSON, without Redis',
  workloads: ['numbers', 'mixed'],
  open: (call) => new CodecBenchmark(call),
};

type Values = Record<string, unknown>;

/** What a contestant does with values; `size` is that of the last row it wrote. */
interface Contestant {
  readonly name: string;
  readonly write: (values: Values) => Uint8Array;
  readonly read: (row: Uint8Array) => Values;
}

const random = seededRandom(1);
const number = (): number => random.unit() * 1_000;
const named = <T>(count: number, make: (at: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`feature${at}`, make(at)]));

const WORKLOADS = {
  numbers: {
    about: '10 features of float64',
    fields: named(10, () => t.float64()),
    values: () => named(10, number),
  },
  mixed: {
    about: 'int, float64, bool, timestamp, text of 8 letters, a vector of 16, and four that are null',
    fields: {
      ...{ age: t.int(), score: t.float64(), vip: t.bool(), since: t.timestamp(), tier: t.string() },
      ...{ taste: t.vector(16), ...named(4, () => t.float64().optional()) },
    },
    values: () => ({
      ...{ age: Math.floor(number()), score: number(), vip: random.unit() < 0.5, tier: 'platinum' },
      ...{ since: Math.floor(number()), taste: Array.from({ length: 16 }, number), ...named(4, () => null) },
    }),
  },
} as const;

const ORIGIN = { rank: 1, token: 1.7e15, turn: 0, source: 0, sequence: 1, second: 0 };
const ROWS = 1_000;

function contestantsFor(workload: keyof typeof WORKLOADS): readonly Contestant[] {
  const { fields } = WORKLOADS[workload];
  const stored = describe(view('bench', { entity: entity('user'), fields }));
  const encoder = new RowEncoder(stored);
  const reader = new RowReader(stored.schemas, stored.fields);
  return [
    {
      name: 'rows',
      write: (values) => encoder.seal(encoder.encode(1.7e15, values), ORIGIN),
      read: (row) => {
        const values = {};
        if (reader.read(row, values) !== 'whole') throw new Error('a row that was just written is not whole');
        return values;
      },
    },
    {
      name: 'JSON',
      write: (values) => Buffer.from(JSON.stringify(values)),
      read: (row) => JSON.parse((row as Buffer).toString()),
    },
  ];
}

/** Nanoseconds for each of `count` calls. */
function timed(count: number, work: (at: number) => unknown): number {
  let used: unknown;
  const begun = process.hrtime.bigint();
  for (let at = 0; at < count; at += 1) used = work(at % ROWS) ?? used;
  const took = Number(process.hrtime.bigint() - begun) / count;
  if (used === undefined) throw new Error('nothing was written or read');
  return took;
}

/** Of one contestant: nanoseconds in each round, and bytes. */
interface Measured {
  readonly write: number[];
  readonly read: number[];
  bytes: number;
}

class CodecBenchmark implements Run {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const environment = { ...describeMachine(), rounds: String(this.#call.rounds) };
    const workloads = (['numbers', 'mixed'] as const).filter((name) => this.#call.workloads.has(name));
    const measured = new Map(workloads.map((name) => [name, this.#measure(name)]));
    return {
      title: 'Rows of features as bytes',
      command: this.#call.command,
      environment,
      targets: [],
      tables: workloads.map((name) => tableOf(name, measured.get(name) as Map<string, Measured>)),
      remarks: [
        'A row includes a header of 40 bytes and a checksum, which is made and checked; JSON has neither.',
      ],
      data: measured,
    };
  }

  async stop(): Promise<void> {}

  #measure(workload: keyof typeof WORKLOADS): Map<string, Measured> {
    const contestants = contestantsFor(workload);
    const values = Array.from({ length: ROWS }, (): Values => WORKLOADS[workload].values());
    const results = new Map(
      contestants.map(({ name }) => [name, { write: [], read: [], bytes: 0 } as Measured]),
    );
    const count = this.#call.quick ? 2_000 : 200_000;
    for (let round = -1; round < this.#call.rounds; round += 1) {
      this.#call.progress(`${workload}, round ${round + 1}`);
      for (const { name, write, read } of turns(contestants, Math.max(round, 0))) {
        const result = results.get(name) as Measured;
        const rows = values.map(write);
        const wrote = timed(count, (at) => write(values[at] as Values));
        const took = timed(count, (at) => read(rows[at] as Uint8Array));
        result.bytes = rows.reduce((sum, row) => sum + row.length, 0) / rows.length;
        if (round < 0) continue; // until the code is compiled
        result.write.push(wrote);
        result.read.push(took);
      }
    }
    return results;
  }
}

function tableOf(workload: keyof typeof WORKLOADS, results: Map<string, Measured>): Table {
  const [rows, json] = [results.get('rows'), results.get('JSON')] as [Measured, Measured];
  const line = (name: string, one: number[], other: number[]) => [
    name,
    numberSpread(spread(one)),
    numberSpread(spread(other)),
    ratioSpread(pairedRatio(other, one)),
  ];
  return {
    title: workload,
    about: `${WORKLOADS[workload].about}. Nanoseconds for each row; median of the rounds (min–max). Less is better.`,
    columns: ['', 'rows', 'JSON', 'JSON to rows'],
    rows: [
      line('write', rows.write, json.write),
      line('read', rows.read, json.read),
      line('bytes', [rows.bytes], [json.bytes]),
    ],
  };
}
