/**
 * The process in which many wait for a lease that somebody else keeps.
 *
 * Guarantees: it answers "ready", then each of its parent's words once: "wait" when all wait, "report" with what has
 * happened since the last word. A waiter that is not kept waiting ends the measurement with its reason. The process
 * ends when its parent does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocks } from '@holdfast/lock';

/** The growth of the heap caused by the waiters, and the peak of the process; in bytes. */
export interface IdleStart {
  readonly heap: number;
}

export interface IdleWindow {
  /** Microseconds of CPU time since the last word. */
  readonly cpu: number;
  /** Bytes. */
  readonly peakRss: number;
}

const [resource = '', countText = '', ...nodes] = process.argv.slice(2);
const count = Number(countText);
const locks = createLocks({ nodes });

process.on('disconnect', () => process.exit());
const reply = (response: { result: unknown } | { error: string }): void => void process.send?.(response);
let cpuBefore = process.cpuUsage();

function heap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** So that connections, compiled code and buffers are there before memory is looked at. */
async function warmUp(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    const crowd = Array.from({ length: 20 }, async () => (await locks.acquire('warm')).release());
    await Promise.all(crowd);
  }
}

/** Milliseconds after which all who were told to wait do. */
const SETTLING = 1_000;

async function waitAll(): Promise<IdleStart> {
  const before = heap();
  const wait = async (): Promise<void> => {
    try {
      await locks.acquire(resource, { wait: 600_000 });
      reply({ error: 'the lease was not kept' });
    } catch (error) {
      reply({ error: String(error) });
    }
  };
  for (let index = 0; index < count; index += 1) void wait();
  await sleep(SETTLING);
  const start = { heap: heap() - before };
  cpuBefore = process.cpuUsage();
  return start;
}

function report(): IdleWindow {
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  return { cpu: user + system, peakRss: process.resourceUsage().maxRSS * 1024 };
}

process.on('message', async (command: string) => {
  reply({ result: command === 'wait' ? await waitAll() : report() });
});

warmUp().then(
  () => reply({ result: 'ready' }),
  (error: unknown) => reply({ error: String(error) }),
);
