/**
 * One episode: traffic under a schedule of faults, then all faults end, every client is granted every resource, and the
 * recorded history is judged.
 *
 * Guarantees: when it has ended, its clients have ended and no fault is left. If there is a violation, or if it is asked
 * for, its folder keeps the histories, the log of faults, and what was found.
 */
import { setMaxListeners } from 'node:events';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause, seededRandom, systemClock } from '@holdfast/kernel';
import { Redis } from 'ioredis';
import { checkHistory, type Violation } from './check/index.js';
import type { Deployed } from './deployment/deployment.js';
import type { HistoryEvent } from './history/event.js';
import { readHistories } from './history/read.js';
import type { PlannedFault } from './nemesis/fault.js';
import { Nemesis } from './nemesis/nemesis.js';
import { drawSchedule } from './nemesis/schedule.js';
import { LEDGERS, SEMAPHORES } from './traffic/assignment.js';
import { ClientProcesses } from './traffic/clients.js';
import { judgeChain, readChain } from './validation/ledger.js';

export interface EpisodeOptions {
  readonly number: number;
  readonly seed: number;
  /** How long the faults last, in ms. */
  readonly duration: number;
  readonly clients: number;
  readonly workers: number;
  readonly deployed: Deployed;
  /** The folder for this episode. */
  readonly folder: string;
  /** Whether it stays if nothing was violated; default false. */
  readonly keep?: boolean;
  /** Instead of a drawn one. */
  readonly schedule?: readonly PlannedFault[];
}

export interface EpisodeOutcome {
  readonly events: readonly HistoryEvent[];
  readonly injected: ReadonlyMap<string, number>;
  readonly violations: readonly Violation[];
}

/** Besides the quarantine and the TTLs, what every client may have to wait at the end for each resource, in ms. */
const PATIENCE = 12_000;

export async function runEpisode(
  options: EpisodeOptions,
  interrupted?: AbortSignal,
): Promise<EpisodeOutcome> {
  const { number, seed, deployed, folder, clients: count, duration } = options;
  mkdirSync(folder, { recursive: true });
  const entries = `episode-${number}`;
  const { maxTtl } = deployed.parameters;
  const grantedWithin = 2 * maxTtl + PATIENCE + deployed.settling;
  const clients = new ClientProcesses({
    count,
    folder,
    seed,
    assign: (client) => ({
      reach: deployed.reach(client),
      ledger: `redis://127.0.0.1:${deployed.ledgerLinks[client]?.port}`,
      entries,
      parameters: deployed.parameters,
      workers: options.workers,
      shares: deployed.clocks === undefined,
      grantedWithin,
    }),
  });
  const log = join(folder, 'faults.log');
  const nemesis = new Nemesis({
    ...deployed,
    clients,
    log: (line) => appendFileSync(log, `${JSON.stringify(line)}\n`),
  });
  try {
    await clients.start();
    const stage = {
      ...deployed,
      duration,
      nodes: deployed.nodes.length,
      watchers: deployed.watchers.length,
      clients: count,
    };
    const schedule = options.schedule ?? drawSchedule(seededRandom(seed), stage);
    const stop = interrupted ?? new AbortController().signal;
    setMaxListeners(0, stop); // one a planned fault
    await Promise.all([nemesis.run(schedule, stop), pause(systemClock, duration, stop)]);
    await clients.finish(2 * grantedWithin);
  } finally {
    await clients.stop();
    deployed.clocks?.reset();
  }
  for (const link of deployed.ledgerLinks) link.cut();
  const events = readHistories(folder);
  const violations = [
    ...clients.violations,
    ...checkHistory(events, { permits: SEMAPHORES }),
    ...(await judgeLedger(deployed, entries, events)),
  ];
  if (violations.length === 0 && !options.keep) rmSync(folder, { recursive: true });
  else writeFileSync(join(folder, 'violations.json'), `${JSON.stringify(violations, null, 2)}\n`);
  return { events, injected: nemesis.injected, violations };
}

async function judgeLedger(
  { ledger }: Deployed,
  entries: string,
  events: readonly HistoryEvent[],
): Promise<readonly Violation[]> {
  const store = new Redis(ledger.url);
  try {
    const chains = await Promise.all(LEDGERS.map((resource) => readChain(store, entries, resource)));
    const keys = await store.keys(`{holdfast}:${entries}:*`);
    if (keys.length > 0) await store.del(keys);
    return chains.flatMap((chain) => judgeChain(chain, events));
  } finally {
    store.disconnect();
  }
}
