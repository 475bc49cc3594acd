/**
 * The waiting benchmark: starts the nodes and the contestants, runs the workloads one after another, reports.
 *
 * Guarantees: whatever happens, `stop` ends every node and process that was started. Progress is reported along the
 * way, so that a run that hangs shows where.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import type { Benchmark, Call, Run } from '../benchmark.js';
import { describeMachine, type Report } from '../harness/report.js';
import { contestants } from '../lock/contestants.js';
import { Fleet } from '../lock/fleet.js';
import { NodeObserver } from '../redis-info.js';
import { runCommands, runHandOver } from './handover.js';
import { runIdle } from './idle.js';
import { reportWaiting, type WaitingOutcome } from './outcome.js';
import { casesOf, type Plan, planOf } from './plan.js';

/** `npm run bench -- waiting`. */
export const waiting: Benchmark = {
  about: 'many waiters for one lease: hand-overs, their cost and order, idle waiters',
  workloads: ['commands', 'handover', 'idle'],
  open: (call) => new WaitingBenchmark(call),
};

class WaitingBenchmark implements Run {
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #nodes = new Set<LocalNodes>();
  readonly #fleets: Fleet[] = [];
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
    const outcome = await this.#contend(nodes, observer);
    await this.stop();
    if (workloads.has('idle')) progress(`${plan.idle} idle waiters`);
    const idle = workloads.has('idle')
      ? await runIdle(plan, (started) => this.#nodes.add(started))
      : undefined;
    environment['load after'] = describeMachine()['load before'] ?? '';
    return reportWaiting({ ...outcome, ...(idle && { idle }) }, plan, { environment, command });
  }

  /** The workloads in which a lock is handed over. */
  async #contend(nodes: LocalNodes, observer: NodeObserver): Promise<Omit<WaitingOutcome, 'idle'>> {
    const { workloads, progress } = this.#call;
    const plan = this.#plan;
    progress('starting the contestants');
    const waiting = contestants.filter(({ role }) => role !== 'limit');
    for (let process = 0; process < Math.max(...plan.processes); process += 1) {
      this.#fleets.push(await Fleet.start(nodes.urls, waiting));
    }
    const [first] = this.#fleets;
    const ours = first?.runners.find(({ contestant }) => contestant.role === 'ours');
    if (first === undefined || ours === undefined) throw new Error('Holdfast itself does not run here.');
    progress('warming up');
    const warmUp = { inFlight: 64, duration: plan.duration / 2 };
    for (const { runners } of this.#fleets) {
      for (const runner of runners) await runner.measure('throughput', warmUp);
    }
    if (workloads.has('commands')) progress(`${plan.waiters.join(', ')} waiters`);
    const commands = workloads.has('commands') && (await runCommands(ours, observer, plan));
    const cases = [];
    for (const one of workloads.has('handover') ? casesOf(plan) : []) {
      progress(`${plan.crowd} waiters in ${one.processes}, held for ${one.hold} ms`);
      cases.push({ ...one, results: await runHandOver(this.#fleets, observer, plan, one) });
    }
    return {
      contestants: await first.describe(),
      remarks: first.remarks,
      cases,
      ...(commands && { commands }),
    };
  }

  /** Ends everything that runs. May be called at any time, and more than once. */
  async stop(): Promise<void> {
    for (const fleet of this.#fleets) fleet.stop();
    this.#observer?.close();
    await Promise.all([...this.#nodes].map((nodes) => nodes.stop()));
    this.#nodes.clear();
  }
}
