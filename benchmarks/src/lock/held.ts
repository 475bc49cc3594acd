/**
 * Workload 5: the cost of holding leases that renew themselves: memory, CPU and Redis commands, and how it grows.
 *
 * Guarantees: each number of leases is measured in a fresh process on fresh nodes. Memory is what the process has
 * above its own state before the first lease, after a garbage collection. Leases begin spread over a third of their
 * TTL, so renewals do not come in one burst that group commit would make cheap. A lease that was lost is counted.
 */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { MeasuringProcess, processFile } from '../harness/process.js';
import { NodeObserver } from '../redis-info.js';
import type { HeldStart, HeldWindow } from './held-process.js';
import type { Plan } from './plan.js';

export interface HeldResult {
  readonly leases: number;
  /** Bytes a lease, in the process that holds it. */
  readonly heapPerLease: number;
  readonly rssPerLease: number;
  /** Bytes of the whole process, at the worst moment. */
  readonly peakRss: number;
  readonly renewalsPerSecond: number;
  /** Shares of one core. */
  readonly clientCpu: number;
  readonly nodesCpu: number;
  /** For each lease, node and TTL. */
  readonly scriptCalls: number;
  readonly commands: number;
  readonly extensions: number;
  /** Bytes in each node's memory a lease. */
  readonly nodeMemory: number;
  readonly lost: number;
}

/** Called with the nodes of each measurement, so that whoever ends the program can end them. */
export type Adopt = (nodes: LocalNodes) => void;

export async function runHeld(plan: Plan, adopt: Adopt): Promise<HeldResult[]> {
  const results: HeldResult[] = [];
  for (const leases of plan.leases) results.push(await measureHeld(plan, leases, adopt));
  return results;
}

async function measureHeld(plan: Plan, leases: number, adopt: Adopt): Promise<HeldResult> {
  const nodes = await startNodes(5);
  adopt(nodes);
  const observer = new NodeObserver(nodes.urls);
  const child = new MeasuringProcess(processFile(import.meta.url, 'held-process'), [
    String(leases),
    String(plan.leaseTtl),
    ...nodes.urls,
  ]);
  try {
    await child.started();
    const empty = await observer.counters();
    const start = await child.ask<HeldStart>('acquire');
    const before = await observer.counters();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, plan.watched * plan.leaseTtl));
    const window = await child.ask<HeldWindow>('report');
    const elapsed = performance.now() - began;
    const after = await observer.counters();
    const shares = (leases * nodes.urls.length * elapsed) / plan.leaseTtl;
    return {
      leases,
      heapPerLease: start.heap / leases,
      rssPerLease: start.rss / leases,
      peakRss: window.peakRss,
      renewalsPerSecond: ((after.extensions - before.extensions) * 1000) / nodes.urls.length / elapsed,
      clientCpu: window.cpu / 1000 / elapsed,
      nodesCpu: (after.cpu - before.cpu) / 1000 / elapsed,
      scriptCalls: (after.scripts - before.scripts) / shares,
      commands: (after.commands - before.commands) / shares,
      extensions: (after.extensions - before.extensions) / shares,
      nodeMemory: (before.memory - empty.memory) / nodes.urls.length / leases,
      lost: window.lost,
    };
  } finally {
    child.stop();
    observer.close();
    await nodes.stop();
  }
}
