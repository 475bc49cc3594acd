/**
 * Workload 3: what it costs that many wait and nothing happens, because the lease is kept and renewed.
 *
 * Guarantees: the waiters are in a process of their own, on fresh nodes; the holder is this process, so that its
 * renewals cost the waiters' process nothing. CPU times are told by the nodes, and by the process itself. Memory is
 * what the waiters have added, after garbage collection. Rejects if a waiter stops waiting or the lease is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startNodes } from '@holdfast/local';
import { createLocks, type Locks } from '@holdfast/lock';
import { MeasuringProcess, processFile } from '../harness/process.js';
import type { Adopt } from '../lock/held.js';
import { NodeObserver } from '../redis-info.js';
import type { IdleStart, IdleWindow } from './idle-process.js';
import type { Plan } from './plan.js';

/** Lists have one number a window. */
export interface IdleResult {
  readonly waiters: number;
  /** Shares of one core. */
  readonly busiestNode: readonly number[];
  readonly client: readonly number[];
  /** Of all nodes, a second; the holder's renewals are among them. */
  readonly commands: readonly number[];
  /** Bytes a waiter. */
  readonly heapPerWaiter: number;
  /** Bytes of the waiters' process, at the worst moment. */
  readonly peakRss: number;
}

const RESOURCE = 'kept';

export async function runIdle(plan: Plan, adopt: Adopt): Promise<IdleResult> {
  const nodes = await startNodes(5);
  adopt(nodes);
  const locks = createLocks({ nodes: [...nodes.urls] });
  const observer = new NodeObserver(nodes.urls);
  await locks.initialize();
  const child = new MeasuringProcess(processFile(import.meta.url, 'idle-process'), [
    RESOURCE,
    String(plan.idle),
    ...nodes.urls,
  ]);
  try {
    await child.started();
    return await whileKept(locks, () => watch(plan, observer, child));
  } finally {
    child.stop();
    observer.close();
    await locks.close();
    await nodes.stop();
  }
}

function whileKept<T>(locks: Locks, work: () => Promise<T>): Promise<T> {
  return locks.using(RESOURCE, { ttl: 10_000 }, work);
}

async function watch(plan: Plan, observer: NodeObserver, child: MeasuringProcess): Promise<IdleResult> {
  const start = await child.ask<IdleStart>('wait');
  const busiestNode: number[] = [];
  const client: number[] = [];
  const commands: number[] = [];
  let peakRss = 0;
  for (let turn = 0; turn < plan.windows; turn += 1) {
    const [cpuBefore, callsBefore] = await Promise.all([observer.cpuOfEach(), observer.calls(SENT)]);
    const began = performance.now();
    await child.ask<IdleWindow>('report');
    await sleep(plan.window);
    const window = await child.ask<IdleWindow>('report');
    const [cpu, calls] = await Promise.all([observer.cpuOfEach(), observer.calls(SENT)]);
    const elapsed = performance.now() - began;
    busiestNode.push(Math.max(...cpu.map((time, node) => time - (cpuBefore[node] ?? 0))) / 1000 / elapsed);
    client.push(window.cpu / 1000 / elapsed);
    commands.push(((calls - callsBefore) * 1000) / elapsed);
    peakRss = window.peakRss;
  }
  return {
    waiters: plan.idle,
    busiestNode,
    client,
    commands,
    heapPerWaiter: start.heap / plan.idle,
    peakRss,
  };
}

/** The commands that Holdfast sends. */
const SENT = ['fcall', 'evalsha', 'ping'];
