/**
 * Whether what the processes of an episode have recorded, and what the queue has in the end, keep the queue's promises.
 */
import type { Queue } from '@holdfast/queue';
import type { Violation } from '../check/index.js';
import type { Judged } from '../subject.js';
import type { QueueRecord } from './assignment.js';

interface Delivery {
  readonly id: string;
  readonly token: number;
  readonly process: string;
  readonly begins: number;
  ends: number;
  valid: boolean;
  done: boolean;
}

export interface Judging {
  readonly queue: Queue;
  /** How often the effect of a task is there. */
  readonly effectsOf: (id: string) => Promise<number>;
  /** Whether the server keeps what it has acknowledged, so that nothing may be lost and nobody doubted. */
  readonly durable: boolean;
}

export async function judgeQueue(records: readonly QueueRecord[], judging: Judging): Promise<Judged> {
  const { queue, effectsOf, durable } = judging;
  const violations: Violation[] = [];
  const violate = (rule: string, message: string): void =>
    void violations.push({ rule, message, events: [] });
  const deliveries = deliveriesOf(records);
  const added = records.filter((record) => record.e === 'added');
  let lost = 0;
  for (const { id } of added) {
    const task = await queue.get(id);
    if (task === undefined) {
      lost += 1;
      if (durable) violate('lost task', `${id} was acknowledged, and nothing is known of it`);
      continue;
    }
    if (task.state !== 'completed') violate('lost task', `${id} is still ${task.state}`);
    const effects = await effectsOf(id);
    if (effects !== 1) violate('effects', `${id} has completed, and its effect is there ${effects} times`);
    const highest = Math.max(...(deliveries.get(id) ?? []).map(({ token }) => token));
    if (durable && task.result !== highest)
      violate('stale completion', `${id} was completed under ${task.result}, not ${highest}`);
  }
  for (const each of deliveries.values()) judgeDeliveries(each, durable, violate);
  if (durable) judgeKeys(added, deliveries, violate);
  const all = [...deliveries.values()].flat();
  const stale = all.filter(({ valid, ends }) => !valid && ends < Number.POSITIVE_INFINITY).length;
  const counts = {
    'tasks added': added.length,
    deliveries: all.length,
    // They had lost their lease when their handler was done with them.
    'stale deliveries': stale,
    // Acknowledged, and nothing is known of them.
    'tasks lost': lost,
  };
  return { violations, counts: new Map(Object.entries(counts)) };
}

function deliveriesOf(records: readonly QueueRecord[]): Map<string, Delivery[]> {
  const deliveries = new Map<string, Delivery[]>();
  for (const record of records) {
    if (record.e !== 'begins' && record.e !== 'ends') continue;
    const { id, token, process, at } = record;
    const known = deliveries.get(id) ?? [];
    deliveries.set(id, known);
    if (record.e === 'begins') {
      const ends = Number.POSITIVE_INFINITY;
      known.push({ id, token, process, begins: at, ends, valid: false, done: false });
      continue;
    }
    const begun = known.find((one) => one.token === token && one.process === process);
    if (begun) Object.assign(begun, { ends: at, valid: record.valid, done: record.done });
  }
  return deliveries;
}

/** Of one task: one that was valid to its end was over before the next began, and had a lower token. */
function judgeDeliveries(
  deliveries: readonly Delivery[],
  durable: boolean,
  violate: (rule: string, message: string) => void,
): void {
  const inOrder = [...deliveries].sort((one, two) => one.token - two.token);
  for (const [place, one] of inOrder.entries()) {
    const next = inOrder[place + 1];
    if (next === undefined) break;
    const both = `${one.id} of ${one.process} under ${one.token}, and of ${next.process} under ${next.token}`;
    if (one.token === next.token) violate('unique token', both);
    // A master that does not know its successor goes on for a while, with lower tokens: guards refuse them.
    if (durable && one.valid && next.ends < one.begins) violate('token order', both);
    if (durable && one.valid && next.begins < one.ends) violate('mutual exclusion', both);
  }
}

/** Of one key: no task begins before the one that was added before it has ended. */
function judgeKeys(
  added: readonly (QueueRecord & { e: 'added' })[],
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
  violate: (rule: string, message: string) => void,
): void {
  const before = new Map<string, string>();
  for (const { id, key } of added) {
    if (key === undefined) continue;
    const earlier = deliveries.get(before.get(key) ?? '')?.find(({ done, valid }) => done && valid);
    const first = Math.min(...(deliveries.get(id) ?? []).map(({ begins }) => begins));
    if (earlier && first < earlier.ends)
      violate('order of a key', `${id} began before ${earlier.id}, which came before it, had ended`);
    before.set(key, id);
  }
}
