/**
 * @holdfast/fence/report: what the leases and guards of this process do, recorded where a dashboard finds it. The main path:
 * `reportTo({ redis })` in every process that takes leases or writes behind a guard.
 *
 * Guarantees: no lease, no write and no error of theirs waits for the record or notices it. A process records at most 20
 * grants and ends, and 20 refusals, a second; what is beyond is left out, and so is what Redis does not take.
 */
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Clock, readOptions } from '@holdfast/kernel';
import type { RefusedMessage } from '../refused.js';
import { RECORD, type RecordEntry, type RecordOptions, ResourceRecord } from './record.js';

export {
  openRecord,
  type RecordEntry,
  type Recorded,
  type RecordOptions,
  type ResourceRecord,
} from './record.js';

/** Of a process, in a second, of each sort. */
const MOST = 20;
const SECOND = 1_000;

/** What the messages of @holdfast/lock have. */
interface LeaseMessage {
  readonly resource: string;
  readonly token?: number;
  readonly owner?: string;
}

const KINDS = { acquired: 'granted', released: 'ended', lost: 'lost' } as const;

/** Made by `reportTo`. */
export interface Reporting {
  /** Ends it; what is under way is still recorded. May be repeated. */
  close(): Promise<void>;
}

interface Shared {
  readonly redis: RecordOptions['redis'];
  readonly prefix: string;
  readonly end: () => Promise<void>;
  users: number;
}

/** What this process records: where two parts of it record at the same place, it is recorded once. */
const active = new Set<Shared>();

/** Records from now on, in `redis`, what this process does. Throws MisuseError for options that cannot work. */
export function reportTo(options: RecordOptions): Reporting {
  const settings = readOptions('reportTo', options, RECORD) as Required<RecordOptions>;
  const { redis, prefix } = settings;
  const shared = [...active].find((one) => one.redis === redis && one.prefix === prefix) ?? {
    ...{ redis, prefix, users: 0 },
    end: begin(settings),
  };
  shared.users += 1;
  active.add(shared);
  let isClosed = false;
  return {
    async close() {
      if (isClosed) return;
      isClosed = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      active.delete(shared);
      await shared.end();
    },
  };
}

/** Returns what ends it. */
function begin(settings: Required<RecordOptions>): () => Promise<void> {
  const record = new ResourceRecord(settings);
  const pending = new Set<Promise<void>>();
  const budgets = { lease: budget(settings.clock), refusal: budget(settings.clock) };
  const add = (entry: RecordEntry): void => {
    if (!budgets[entry.kind === 'refused' ? 'refusal' : 'lease']()) return;
    const added = record.add(entry).catch(() => {}); // the record may lack entries
    pending.add(added);
    void added.then(() => pending.delete(added));
  };
  const ends = [
    ...Object.entries(KINDS).map(([event, kind]) =>
      listen<LeaseMessage>(`holdfast:lock:${event}`, ({ resource, token, owner }) => {
        if (token !== undefined) add({ resource, kind, token, ...(owner !== undefined && { owner }) });
      }),
    ),
    listen<RefusedMessage>('holdfast:fence:refused', ({ resource, offered, seen, reason }) =>
      add({ resource, kind: 'refused', token: offered, seen, reason }),
    ),
  ];
  return async () => {
    for (const end of ends) end();
    await Promise.all(pending);
    record.close();
  };
}

function listen<Message>(channel: string, listener: (message: Message) => void): () => void {
  const listening: ChannelListener = (message) => listener(message as Message);
  subscribe(channel, listening);
  return () => void unsubscribe(channel, listening);
}

/** Whether another may be recorded in this second. */
function budget(clock: Clock): () => boolean {
  let [since, count] = [clock.now(), 0];
  return () => {
    if (clock.now() - since >= SECOND) [since, count] = [clock.now(), 0];
    count += 1;
    return count <= MOST;
  };
}
