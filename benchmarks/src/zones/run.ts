/**
 * `npm run bench -- zones`: leases over nodes that are not equally near, as over zones and regions.
 *
 * Guarantees: all contestants use the same nodes over the same relays and take turns within a round. A pair that fails rejects
 * the whole measurement. A lease that is lost while it renews itself is counted.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createLocks, LeaseLostError } from '@holdfast/lock';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { describeMachine, number, type Report, type Table, type Target } from '../harness/report.js';
import { note, type Results, tableOf, valuesOf } from '../harness/results.js';
import { pairedRatio, quantile, spread } from '../harness/statistics.js';
import { atMost, never } from '../harness/targets.js';
import { turns } from '../harness/turns.js';
import { type Contestant, contestants, type Session } from '../lock/contestants.js';
import type { Way } from './relay-process.js';

/** By place: the round trip to each node, in ms. */
const PLACES: ReadonlyMap<string, readonly number[]> = new Map([
  ['one-zone', [0, 0, 0, 0, 0]],
  ['three-zones', [0, 0, 1, 1, 1]],
  ['two-at-10', [0, 0, 0, 10, 10]],
  ['three-at-10', [0, 0, 10, 10, 10]],
  ['two-at-50', [0, 0, 0, 50, 50]],
  ['three-at-50', [0, 0, 50, 50, 50]],
]);
const NAMES = ['holdfast', 'redlock', 'raw limit'];
const IN_FLIGHT = 64;
const HELD = 200;
const TTL = 2_000;

export const zones: Benchmark = {
  about: 'leases over nodes that are 0 to 50 ms away',
  workloads: [...PLACES.keys()],
  open: (call) => new ZonesBenchmark(call),
};

class ZonesBenchmark implements Run {
  readonly #call: Call;
  readonly #results: Results = new Map();
  readonly #lost: number[] = [];
  #nodes: LocalNodes | undefined;
  #relays: MeasuringProcess | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  async run(): Promise<Report> {
    const { workloads, rounds, command } = this.#call;
    const environment = { ...describeMachine(), rounds: String(rounds), nodes: '5, without persistence' };
    this.#nodes = await startNodes(5);
    for (const [place, delays] of PLACES) if (workloads.has(place)) await this.#measure(place, delays);
    return {
      title: 'Leases over nodes that are far away',
      command,
      environment,
      targets: this.#targets(),
      tables: this.#tables(),
      remarks: [
        'A relay delays the answers of a node by its round trip; timers make that up to a millisecond more.',
        'A lease needs three of five answers, so the third nearest node decides how long a call takes.',
        `Held: ${HELD} leases with a TTL of ${TTL} ms that \`using\` renews for three TTLs.`,
      ],
      data: this.#results,
    };
  }

  async stop(): Promise<void> {
    this.#relays?.stop();
    await this.#nodes?.stop();
  }

  async #measure(place: string, delays: readonly number[]): Promise<void> {
    const urls = await this.#away(delays);
    const sessions: { name: string; session: Session }[] = [];
    try {
      for (const { name, start } of contestants.filter((each: Contestant) => NAMES.includes(each.name))) {
        sessions.push({ name, session: await start(urls) });
      }
      for (let round = -1; round < this.#call.rounds; round += 1) {
        this.#call.progress(`${place}, round ${round + 1}`);
        for (const { name, session } of turns(sessions, Math.max(round, 0))) {
          const numbers = await this.#play(session, Math.max(...delays));
          if (round < 0) continue; // until the code is compiled
          note(this.#results, { workload: place, contestant: name }, named(place, numbers));
        }
      }
    } finally {
      for (const { session } of sessions) await session.stop();
    }
    this.#lost.push(await this.#hold(urls));
    this.#relays?.stop();
  }

  /** Addresses at which the nodes are that far away. */
  async #away(delays: readonly number[]): Promise<string[]> {
    const relays = new MeasuringProcess(processFile(import.meta.url, 'relay-process'), []);
    this.#relays = relays;
    await relays.started();
    const nodes = this.#nodes?.nodes ?? [];
    const ways = nodes.map(({ port }, index): Way => ({ port, delay: delays[index] ?? 0 }));
    const ports = await relays.ask<number[]>(ways);
    return ports.map((port) => `redis://127.0.0.1:${port}`);
  }

  async #play(session: Session, farthest: number): Promise<Measured> {
    const { quick } = this.#call;
    const times: number[] = [];
    for (let pair = 0; pair < (quick ? 5 : farthest > 1 ? 100 : 1_000); pair += 1) {
      const began = performance.now();
      await (await session.acquire(`one:${pair}`))();
      times.push(performance.now() - began);
    }
    let pairs = 0;
    const began = performance.now();
    const until = began + (quick ? 100 : 1_000);
    await Promise.all(
      Array.from({ length: IN_FLIGHT }, async (_, caller) => {
        while (performance.now() < until) {
          await (await session.acquire(`many:${caller}`))();
          pairs += 1;
        }
      }),
    );
    return {
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      rate: (pairs * 1_000) / (performance.now() - began),
    };
  }

  /** Resolves to how many of the leases were lost. */
  async #hold(nodes: readonly string[]): Promise<number> {
    await using locks = createLocks({ nodes: [...nodes] });
    const held = Array.from({ length: HELD }, (_, index) =>
      locks.using(`held:${index}`, { ttl: TTL }, async ({ signal }) => {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, this.#call.quick ? 100 : 3 * TTL);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            resolve();
          });
        });
      }),
    );
    const ended = await Promise.allSettled(held);
    const failures = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    const other = failures.find((failure) => !(failure instanceof LeaseLostError));
    if (other !== undefined) throw other;
    return failures.length;
  }

  #targets(): Target[] {
    const of = (place: string, name: string) => valuesOf(this.#results, `p50 of a pair, ms, ${place}`, name);
    return [
      ...[...PLACES.keys()]
        .filter((place) => this.#call.workloads.has(place))
        .map((place) =>
          atMost(`p50, ${place}: to redlock`, pairedRatio(of(place, 'holdfast'), of(place, 'redlock')), 1.25),
        ),
      never(`leases lost of ${HELD} a place`, spread(this.#lost)),
    ];
  }

  #tables(): Table[] {
    return [...PLACES]
      .filter(([place]) => this.#call.workloads.has(place))
      .map(([place, delays]) =>
        tableOf(this.#results, {
          ...{
            workload: place,
            about: `Round trips to the five nodes: ${delays.map((ms) => number(ms, 1)).join(', ')} ms.`,
          },
          ...{ contestants: NAMES, isCompared: true },
        }),
      );
  }
}

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly rate: number;
}

const named = (place: string, { p50, p99, rate }: Measured) => ({
  [`p50 of a pair, ms, ${place}`]: p50,
  [`p99 of a pair, ms, ${place}`]: p99,
  [`pairs/s, ${IN_FLIGHT} in flight, ${place}`]: rate,
});
