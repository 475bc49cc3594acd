/**
 * The lock benchmark: starts the nodes and the contestants, runs the workloads one after another, reports.
 *
 * Guarantees: whatever happens, `stop` ends every node and process that was started. Progress is reported along the
 * way, so that a run that hangs shows where.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { NodeObserver } from '../redis-info.js';
import { Fleet } from './fleet.js';
import { runFrozen } from './frozen.js';
import { runHeld } from './held.js';
import { runLatency } from './latency.js';
import { type LockOutcome, reportLock } from './outcome.js';
import { type Plan, planOf } from './plan.js';
import { runThroughput } from './throughput.js';

const WORKLOADS = ['latency', 'throughput', 'frozen', 'held'];

/** `npm run bench -- lock`. */
export const lock: Benchmark = {
  about: 'acquire and release: time, throughput, frozen nodes, held leases',
  workloads: WORKLOADS,
  open: (call) => new LockBenchmark(call),
};

class LockBenchmark implements Run {
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #nodes = new Set<LocalNodes>();
  #fleet: Fleet | undefined;
  #observer: NodeObserver | undefined;

  constructor(call: Call) {
    this.#call = call;
    this.#plan = planOf(call.rounds, call.quick);
  }

  async run(): Promise<Report> {
    const { workloads, command, progress } = this.#call;
    const plan = this.#plan;
    const environment = describeMachine();
    const nodes = await startNodes(5);
    this.#nodes.add(nodes);
    const observer = new NodeObserver(nodes.urls);
    this.#observer = observer;
    environment['redis'] = `${await observer.redisVersion()}, five nodes on this machine`;
    const compared = await this.#compare(nodes, observer);
    await this.stop();
    if (!workloads.has('held')) return reportLock({ ...compared, held: [] }, plan, { environment, command });
    progress(`holding ${plan.leases.join(', ')} leases`);
    const held = await runHeld(plan, (started) => this.#nodes.add(started));
    return reportLock({ ...compared, held }, plan, { environment, command });
  }

  /** The workloads that compare the contestants. */
  async #compare(nodes: LocalNodes, observer: NodeObserver): Promise<Omit<LockOutcome, 'held'>> {
    const { workloads, progress } = this.#call;
    const plan = this.#plan;
    progress('starting the contestants');
    const fleet = await Fleet.start(nodes.urls);
    this.#fleet = fleet;
    progress('warming up');
    for (const runner of fleet.runners) {
      await runner.measure('pairs', { pairs: plan.pairs });
      await runner.measure('throughput', { inFlight: 64, duration: plan.duration / 2 });
    }
    if (workloads.has('latency')) progress('one in flight');
    const latency = workloads.has('latency') && (await runLatency(fleet, observer, plan));
    const throughput = [];
    for (const inFlight of workloads.has('throughput') ? plan.inFlight : []) {
      progress(`${inFlight} in flight`);
      throughput.push({ inFlight, results: await runThroughput(fleet, observer, plan, inFlight) });
    }
    if (workloads.has('frozen')) progress('one node frozen');
    const frozen = workloads.has('frozen') && (await runFrozen(fleet, nodes, observer, plan));
    const contestants = await fleet.describe();
    return {
      contestants,
      remarks: fleet.remarks,
      throughput,
      ...(latency && { latency }),
      ...(frozen && { frozen }),
    };
  }

  /** Ends everything that runs. May be called at any time, and more than once. */
  async stop(): Promise<void> {
    this.#fleet?.stop();
    this.#observer?.close();
    await Promise.all([...this.#nodes].map((nodes) => nodes.stop()));
    this.#nodes.clear();
  }
}
