/**
 * `npm run bench -- versus --against <commit>`: the CPU time that locks and queues take, compared with an earlier commit.
 *
 * Guarantees: both sides run on this machine, each in a process and on servers of its own, and take turns; the side that
 * begins changes from round to round. A ratio compares two neighbouring turns. What is compared is the CPU time of the client
 * and its servers together for each operation, because it hardly depends on what else the machine does. The interval is
 * the one that holds the true median with 95 % confidence, whatever the distribution (order statistics). No garbage
 * collection is forced between the turns: with nothing under way it would also take the optimized code whose objects have
 * all gone, so that a turn would measure its compilation. Over many rounds, garbage is paid for by the side that makes it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type LocalNodes, startNodes } from '@holdfast/local';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { processFile } from '../harness/process.js';
import { describeMachine, number, type Report, ratio } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { atMost } from '../harness/targets.js';
import { NodeObserver } from '../redis-info.js';
import { type Checkout, checkOut, ROOT } from './checkout.js';
import type { Answer, Order } from './side-process.js';

/** By how much the median may be above the earlier commit. */
const ALLOWED = 0.03;

/** Fewer rounds say little. */
const LEAST_ROUNDS = 15;

interface Workload extends Order {
  readonly name: string;
}

const WORKLOADS: readonly Workload[] = [
  { name: 'lock-1', measure: 'lock', count: 800, inFlight: 1 },
  { name: 'lock-64', measure: 'lock', count: 6_000, inFlight: 64 },
  { name: 'add-100', measure: 'add', count: 8_000, inFlight: 100 },
  { name: 'add-many', measure: 'addMany', count: 20_000, inFlight: 1_000 },
  ...[1, 10, 100].map(
    (inFlight): Workload => ({ name: `work-${inFlight}`, measure: 'work', count: 8_000, inFlight }),
  ),
];

export const versus: Benchmark = {
  about: 'locks and queues compared with an earlier commit, by CPU per operation',
  workloads: WORKLOADS.map(({ name }) => name),
  open: (call) => new VersusRun(call),
};

/** One side: its process and its servers. */
class Side {
  readonly #child: ChildProcess;
  readonly #servers: LocalNodes;
  readonly #observer: NodeObserver;

  private constructor(child: ChildProcess, servers: LocalNodes) {
    this.#child = child;
    this.#servers = servers;
    this.#observer = new NodeObserver(servers.urls);
  }

  static async start(folder: string): Promise<Side> {
    const servers = await startNodes(6);
    const file = processFile(import.meta.url, 'side-process');
    const child = fork(file, [folder, ...servers.urls]);
    const side = new Side(child, servers);
    await side.#answer();
    return side;
  }

  /** CPU time of the client and of all its servers, in microseconds an operation. The queue is empty before and after. */
  async measure({ measure, count, inFlight }: Workload): Promise<number> {
    if (measure === 'work') await this.#ask({ measure: 'addMany', count, inFlight: 1_000 });
    const before = await this.#observer.counters();
    const own = await this.#ask({ measure, count, inFlight });
    const after = await this.#observer.counters();
    if (measure === 'add' || measure === 'addMany')
      await this.#ask({ measure: 'work', count, inFlight: 100 });
    return (own + after.cpu - before.cpu) / count;
  }

  #ask(order: Order): Promise<number> {
    const answer = this.#answer();
    this.#child.send(order);
    return answer;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    this.#observer.close();
    await this.#servers.stop();
  }

  async #answer(): Promise<number> {
    const ended = new AbortController();
    const gone = once(this.#child, 'exit', { signal: ended.signal }).then(() => {
      throw new Error('A side of the comparison has ended.');
    });
    gone.catch(() => {}); // raced below
    try {
      const [answer] = (await Promise.race([once(this.#child, 'message'), gone])) as [Answer];
      if ('error' in answer) throw new Error(answer.error);
      return answer.cpu;
    } finally {
      ended.abort();
    }
  }
}

/** In microseconds per operation, one for each round. */
interface Measured {
  readonly name: string;
  readonly before: number[];
  readonly now: number[];
}

class VersusRun implements Run {
  readonly #call: Call;
  #checkout: Checkout | undefined;
  readonly #sides: Side[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { quick, rounds, workloads, against, command, progress } = this.#call;
    const environment = describeMachine();
    this.#checkout = await checkOut(against);
    const { commit } = this.#checkout;
    progress(`built ${commit}`);
    for (const folder of [this.#checkout.folder, ROOT]) this.#sides.push(await Side.start(folder));
    const chosen = WORKLOADS.filter(({ name }) => workloads.has(name));
    const measured: Measured[] = chosen.map(({ name }) => ({ name, before: [], now: [] }));
    const most = quick ? 1 : Math.max(rounds, LEAST_ROUNDS);
    // The first round, which is not counted, warms up both sides.
    for (let round = quick ? 1 : 0; round <= most; round += 1) {
      for (const [index, workload] of chosen.entries()) {
        const { before, now } = await this.#pair(workload, round);
        if (round === 0) continue;
        measured[index]?.before.push(before);
        measured[index]?.now.push(now);
      }
      progress(`round ${round} of ${most}`);
    }
    return reportOf(measured, {
      environment: { ...environment, against: commit, rounds: String(most) },
      command,
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sides.splice(0).map((side) => side.stop()));
    await this.#checkout?.close();
    this.#checkout = undefined;
  }

  async #pair(workload: Workload, round: number): Promise<{ before: number; now: number }> {
    const [old, own] = this.#sides as [Side, Side];
    if (round % 2 === 0) {
      const before = await old.measure(workload);
      return { before, now: await own.measure(workload) };
    }
    const now = await own.measure(workload);
    return { now, before: await old.measure(workload) };
  }
}

/** The values between which the true median lies with at least 95 % confidence; all of them where there are few. */
function interval(values: readonly number[]): { min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  // The chance that the median lies below the k-th smallest is that of fewer than k heads in n tosses.
  let below = 0;
  let probability = 0.5 ** n;
  let rank = 0;
  while (rank < n / 2 && below + probability <= 0.025) {
    below += probability;
    probability *= (n - rank) / (rank + 1);
    rank += 1;
  }
  const cut = Math.max(0, rank - 1);
  return { min: sorted[cut] ?? Number.NaN, max: sorted[n - 1 - cut] ?? Number.NaN };
}

function reportOf(measured: readonly Measured[], run: Pick<Report, 'environment' | 'command'>): Report {
  const compared = measured.map(({ name, before, now }) => {
    const ratios = now.map((value, round) => value / (before[round] ?? Number.NaN));
    return { name, before, now, spread: { median: median(ratios), ...interval(ratios) } };
  });
  return {
    title: 'Compared with an earlier commit',
    ...run,
    targets: compared.map(({ name, spread }) =>
      atMost(`${name}: CPU per operation, now to before`, spread, 1 + ALLOWED),
    ),
    tables: [
      {
        title: 'CPU per operation',
        about:
          'Client and servers together, in µs: medians of the rounds. Less is better. The interval holds the true median of the ratio with 95 % confidence.',
        columns: ['workload', 'before', 'now', 'ratio', 'interval'],
        rows: compared.map(({ name, before, now, spread }) => [
          ...[name, number(median(before)), number(median(now))],
          ...[ratio(spread.median), `${ratio(spread.min)}–${ratio(spread.max)}`],
        ]),
      },
    ],
    remarks: [
      'A lock is acquired and released on five nodes. "add" and "add-many" add tasks; "work" handles tasks that were added before, with a handler that does nothing. The number is how many operations are in flight, or the concurrency of the worker.',
    ],
    data: measured,
  };
}
