/**
 * Judges the entries of the ledger: no acknowledged write is missing, none was made on a stale read, and no token is
 * lower than the one before it.
 */
import { Redis } from 'ioredis';
import type { Violation } from '../check/index.js';
import type { HistoryEvent } from '../history/event.js';
import { chainKey, headKey } from '../traffic/ledger.js';

/** One entry as the store keeps it: its links from the first to the head, each "id token id-before". */
export interface Chain {
  readonly resource: string;
  readonly links: readonly string[];
}

export interface LedgerOptions {
  /** Opens the keys of the entries. */
  readonly entries: string;
  readonly resources: readonly string[];
  /** With the writes. */
  readonly events: readonly HistoryEvent[];
}

/** Judges these entries, and removes them. */
export async function judgeLedger(
  ledger: { readonly url: string },
  { entries, resources, events }: LedgerOptions,
): Promise<readonly Violation[]> {
  const store = new Redis(ledger.url);
  try {
    const chains = await Promise.all(resources.map((resource) => readChain(store, entries, resource)));
    const keys = await store.keys(`{holdfast}:${entries}:*`);
    if (keys.length > 0) await store.del(keys);
    return chains.flatMap((chain) => judgeChain(chain, events));
  } finally {
    store.disconnect();
  }
}

async function readChain(store: Redis, entries: string, resource: string): Promise<Chain> {
  const fields = await store.hgetall(chainKey(entries, resource));
  const length = Number((await store.get(headKey(entries, resource))) ?? 0);
  const most = Math.max(length, ...Object.keys(fields).map(Number));
  return {
    resource,
    links: Array.from({ length: most }, (_, index) => fields[String(index + 1)] ?? '? ? ?'),
  };
}

export function judgeChain(
  { resource, links }: Chain,
  events: readonly HistoryEvent[],
): readonly Violation[] {
  const writes = new Map<string, number>();
  const outcome = new Map<string, HistoryEvent['type']>();
  for (const event of events) {
    if (event.type === 'invoke' && event.operation.f === 'write' && event.operation.resource === resource) {
      writes.set(event.id, event.operation.token);
    }
    if (writes.has(event.id)) outcome.set(event.id, event.type);
  }
  const found: Violation[] = [];
  const violated = (message: string, ...ids: readonly string[]): void => {
    const about = events.filter(({ id }) => ids.includes(id));
    found.push({ rule: 'ledger', message: `${resource}: ${message}`, events: about });
  };
  const seen = new Map<string, number>();
  let [idBefore, tokenBefore] = ['-', 0];
  for (const [index, link] of links.entries()) {
    const [id = '', text = '', before = ''] = link.split(' ');
    const token = Number(text);
    const place = `link ${index + 1}, ${id}`;
    if (seen.has(id)) violated(`${place} stands at ${seen.get(id)} already`, id);
    seen.set(id, index + 1);
    if (before !== idBefore)
      violated(`${place} was written upon ${before}, not upon ${idBefore}`, id, before, idBefore);
    if (!(token >= tokenBefore)) violated(`${place} has token ${text}, below ${tokenBefore}`, id, idBefore);
    if (writes.get(id) !== token)
      violated(`${place} has token ${text}, and its write has ${writes.get(id)}`, id);
    if (outcome.get(id) === 'refused') violated(`${place} was refused`, id);
    [idBefore, tokenBefore] = [id, token];
  }
  for (const [id, type] of outcome) {
    if (type === 'ok' && !seen.has(id)) violated(`the acknowledged write ${id} is missing`, id);
  }
  return found;
}
