/**
 * The process that holds leases and lets them renew themselves.
 *
 * Guarantees: it answers "ready", then each of its parent's words once: "acquire" when all leases are held and have
 * renewed themselves for the first time, "report" with what has happened since. A lease that cannot be taken ends
 * the measurement with its reason. The process ends when its parent does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocks, type Lease, LeaseLostError } from '@holdfast/lock';

/** The memory that the leases have added to the process, in bytes. */
export interface HeldStart {
  readonly heap: number;
  readonly rss: number;
}

export interface HeldWindow {
  /** Microseconds of CPU time since the leases were held. */
  readonly cpu: number;
  /** Bytes. */
  readonly peakRss: number;
  readonly lost: number;
}

const [count = '', ttlText = '', ...nodes] = process.argv.slice(2);
const leases = Number(count);
const ttl = Number(ttlText);
const locks = createLocks({ nodes });

process.on('disconnect', () => process.exit());
const reply = (response: { result: unknown } | { error: string }): void => void process.send?.(response);
const never = new Promise<void>(() => {});
let lost = 0;
let cpuBefore = process.cpuUsage();

function memory(): HeldStart {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, rss };
}

/** So that connections, compiled code and buffers are there before memory is looked at. */
async function warmUp(): Promise<void> {
  await locks.initialize();
  for (let turn = 0; turn < 20; turn += 1) {
    const names = Array.from({ length: 50 }, (_, index) => `warm:${index}`);
    await Promise.all(
      names.map((name) =>
        locks.using(name, { ttl }, async (lease) => {
          await lease.extend();
        }),
      ),
    );
  }
}

/** Resolves when the lease is held; it stays held, renewed, until the process ends. */
function hold(resource: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const routine = (_lease: Lease): Promise<void> => {
      resolve();
      return never;
    };
    locks.using(resource, { ttl }, routine).catch((error: unknown) => {
      if (error instanceof LeaseLostError) lost += 1;
      reject(error);
    });
  });
}

async function acquireAll(): Promise<HeldStart> {
  const before = memory();
  const begin = performance.now();
  const held: Promise<void>[] = [];
  while (held.length < leases) {
    const due = Math.ceil((leases * (performance.now() - begin)) / (ttl / 3));
    while (held.length < Math.min(due, leases)) held.push(hold(`held:${held.length}`));
    await sleep(1);
  }
  await Promise.all(held);
  await sleep(ttl / 2);
  const after = memory();
  cpuBefore = process.cpuUsage();
  return { heap: after.heap - before.heap, rss: after.rss - before.rss };
}

function report(): HeldWindow {
  const { user, system } = process.cpuUsage(cpuBefore);
  return { cpu: user + system, peakRss: process.resourceUsage().maxRSS * 1024, lost };
}

process.on('message', async (command: string) => {
  try {
    reply({ result: command === 'acquire' ? await acquireAll() : report() });
  } catch (error) {
    reply({ error: String(error) });
  }
});

warmUp().then(
  () => reply({ result: 'ready' }),
  (error: unknown) => reply({ error: String(error) }),
);
