/**
 * The store of the ledger: one Redis that keeps what it has acknowledged, so it may be killed, with a link a client.
 */
import { createRedisGuard } from '@holdfast/fence/redis';
import { type LocalNode, startNodes } from '@holdfast/local';
import { Link } from '../proxy/link.js';
import { PARAMETERS } from '../traffic/assignment.js';
import { ARGUMENTS } from './deployment.js';

export interface LedgerStore {
  readonly ledger: LocalNode;
  readonly ledgerLinks: readonly Link[];
  close(): Promise<void>;
}

export async function openLedger(clients: number): Promise<LedgerStore> {
  const started = await startNodes(1, { args: ARGUMENTS.synchronous });
  const [ledger] = started.nodes as [LocalNode];
  await using guard = createRedisGuard({
    redis: ledger.url,
    persistence: 'synchronous',
    window: PARAMETERS.window,
  });
  await guard.initialize();
  const ledgerLinks = await Promise.all(Array.from({ length: clients }, () => Link.open(ledger.port)));
  return {
    ledger,
    ledgerLinks,
    async close() {
      for (const link of ledgerLinks) link.close();
      await started.stop();
    },
  };
}
