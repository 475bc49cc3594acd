/**
 * A store behind the codec of the app: what goes into the one is encoded, what comes from it decoded.
 *
 * Guarantees: a call is made only when all that it carries was encoded, and answered when all that it brings was decoded: no
 * record of a page is handed over before the last of them is known. What nobody asked for, such as mail, is passed on as it
 * is if it cannot be decoded: whoever hears it asks, and is told with a CodecError.
 */
import type { Clock, Codec, CodecError } from '@holdfast/kernel';
import { RecordCoder } from '../journal/coder.js';
import type { EventEntry, EventFollower, EventStore } from './event-store.js';
import type { RunStore } from './run-store.js';
import type { ScheduleStore } from './schedule-store.js';
import type { Claimed, Effect, Ending, MailListener, ReadResult, Store } from './store.js';
import type { StreamStore } from './stream-store.js';

/** The stores, behind the codec if there is one. */
export const behindCodec = (
  stores: readonly Store[],
  codec: Codec | undefined,
  clock: Clock,
): readonly Store[] => (codec ? stores.map((store) => codedStore(store, codec, clock)) : stores);

export function codedStore(store: Store, codec: Codec, clock: Clock): Store {
  const coder = new RecordCoder(codec, store.issuer, clock);
  const coded: Partial<Store> = {
    ...ofRuns(store, coder),
    ...ofOwners(store, coder),
    ...ofStreams(store, coder),
    ...ofSchedules(store, coder),
    ...ofMail(store, coder),
  };
  // All other verbs carry no data of users.
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = coded[name as keyof Store] ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

type OfRuns = Pick<Store, 'start' | 'tell' | 'find' | 'proof' | 'page' | 'anew'> &
  Pick<RunStore, 'terminate'>;

function ofRuns(store: Store, coder: RecordCoder): OfRuns {
  return {
    start: async (request) => store.start({ ...request, header: await coder.encodeRecord(request.header) }),
    anew: async (request) => store.anew({ ...request, header: await coder.encodeRecord(request.header) }),
    tell: async (run, record, isResult) => store.tell(run, await coder.encodeRecord(record), isResult),
    async find(run, mailbox) {
      const found = await store.find(run, mailbox);
      if (found.word === 'unknown' || found.word === 'gen') return found;
      const state = await coder.decode(found.state);
      if (found.word === 'stuck') return { ...found, state, detail: await reasonOf(coder, found.detail) };
      return found.word === 'over'
        ? { ...found, state, detail: await coder.decodeRecord(found.detail) }
        : { ...found, state };
    },
    async proof(run, claim) {
      const proof = await store.proof(run, claim);
      return proof.last === '' ? proof : { ...proof, last: await coder.decodeRecord(proof.last) };
    },
    page: async (run, from) => decodeAll(coder, await store.page(run, from)),
    async terminate(request) {
      const [before, behind] = request.last;
      const last = await coder.encodeRecord(`${before}0${behind}`);
      // The token is put in by the store.
      const at = last.lastIndexOf(TOKEN) + TOKEN.length;
      const parts = [last.slice(0, at), last.slice(at + 1)] as const;
      return store.terminate({ ...request, last: parts, cancel: await coder.encodeRecord(request.cancel) });
    },
  };
}

const TOKEN = '"token":';

function ofOwners(
  store: Store,
  coder: RecordCoder,
): Pick<Store, 'work' | 'read' | 'commit' | 'cached' | 'cache'> {
  return {
    async work(request) {
      const worked = await store.work(request);
      return (
        worked && {
          ...worked,
          claims: await Promise.all(worked.claims.map((claim) => decodeClaim(coder, claim))),
        }
      );
    },
    async read(claim, from): Promise<ReadResult> {
      const read = await store.read(claim, from);
      if (read.word === 'over') return { ...read, last: await coder.decodeRecord(read.last) };
      return read.word === 'owned' ? { ...read, records: await decodeAll(coder, read.records) } : read;
    },
    async commit(request) {
      const [records, effects, ending, state] = await Promise.all([
        Promise.all(request.records.map((text) => coder.encodeRecord(text))),
        Promise.all((request.effects ?? []).map((effect) => encodeEffect(coder, effect))),
        encodeEnding(coder, request.ending),
        request.state === undefined ? undefined : coder.encode(request.state),
      ]);
      return store.commit({ ...request, records, effects, ending, state });
    },
    async cached(key) {
      const result = await store.cached(key);
      return result === undefined ? undefined : coder.decode(result);
    },
    cache: async (key, result, ttl) => store.cache(key, await coder.encode(result), ttl),
  };
}

function ofStreams(store: Store, coder: RecordCoder): StreamStore {
  return {
    async append(request) {
      const chunks = await Promise.all(request.chunks.map((chunk) => coder.encode(chunk)));
      return store.append({ ...request, chunks });
    },
    async chunks(request) {
      const chunks = await store.chunks(request);
      if (chunks.word === 'unknown' || chunks.word === 'gen') return chunks;
      return {
        ...chunks,
        entries: await Promise.all(chunks.entries.map((entry) => behindHead(coder, entry))),
      };
    },
  };
}

function ofSchedules(store: Store, coder: RecordCoder): Pick<ScheduleStore, 'schedule' | 'schedules'> {
  const decoded = (kept: string): Promise<string> => coder.decodeFields(kept).catch(() => kept);
  return {
    async schedule(schedule) {
      // What is encoded twice is rarely the same twice, and one that is set again as it was keeps its next tick.
      const { schedules } = await store.schedules('all');
      const there = schedules.find(({ name }) => name === schedule.name);
      const isSame = there !== undefined && (await decoded(there.kept)) === schedule.kept;
      return store.schedule({
        ...schedule,
        kept: isSame ? there.kept : await coder.encodeFields(schedule.kept),
      });
    },
    async schedules(which) {
      const found = await store.schedules(which);
      const schedules = found.schedules.map(async (each) => ({ ...each, kept: await decoded(each.kept) }));
      return { ...found, schedules: await Promise.all(schedules) };
    },
  };
}

function ofMail(store: Store, coder: RecordCoder): Pick<Store, 'listen'> & Pick<EventStore, 'followEvents'> {
  return {
    listen: (mailbox, { onMail, onListening }) =>
      store.listen(mailbox, { onListening, onMail: (text) => void hear(coder, text, onMail) }),
    followEvents(): EventFollower {
      const follower = store.followEvents();
      return {
        async read(place, most) {
          const entries = await follower.read(place, most);
          return Promise.all(entries.map((entry) => decodeEvent(coder, entry)));
        },
        recover: (signal) => follower.recover(signal),
        close: () => follower.close(),
      };
    },
  };
}

/** Ends and answers are of runs that this process waits for; bells and the like have nothing to decode. */
async function hear(coder: RecordCoder, text: string, onMail: MailListener['onMail']): Promise<void> {
  const at = text.indexOf('\n') + 1;
  const [head, rest] = [text.slice(0, at), text.slice(at)];
  if (at === 0 || !'ers'.includes(text.charAt(0))) return onMail(text);
  const decoded = text.startsWith('s') ? reasonOf(coder, rest) : coder.decodeRecord(rest).catch(() => rest);
  onMail(head + (await decoded));
}

/** Why a run is stuck: of operators too who cannot decode it. */
async function reasonOf(coder: RecordCoder, reason: string): Promise<string> {
  return coder
    .decodeReason(reason)
    .catch((error: CodecError) => `why, this program cannot tell. ${error.message}`);
}

async function decodeEvent(coder: RecordCoder, [id, fields]: EventEntry): Promise<EventEntry> {
  const [kind, run, name, detail] = fields;
  if (kind !== 'stuck' || run === undefined || name === undefined || detail === undefined)
    return [id, fields];
  return [id, [kind, run, name, await reasonOf(coder, detail)]];
}

/** Of records that cannot be decoded, none: their owner reads them, and is told why. */
const decodeClaim = async (coder: RecordCoder, claim: Claimed): Promise<Claimed> => ({
  ...claim,
  records: await decodeAll(coder, claim.records).catch(() => []),
});

const decodeAll = (coder: RecordCoder, records: readonly string[]): Promise<readonly string[]> =>
  Promise.all(records.map((text) => coder.decodeRecord(text)));

async function behindHead(coder: RecordCoder, entry: string): Promise<string> {
  const at = entry.indexOf('\n') + 1;
  return at === 0 ? entry : entry.slice(0, at) + (await coder.decode(entry.slice(at)));
}

async function encodeEffect(coder: RecordCoder, effect: Effect): Promise<Effect> {
  if (effect.word === 'write') return effect; // it is for whoever reads that key
  if (effect.word === 'child') return { ...effect, header: await coder.encodeRecord(effect.header) };
  if (effect.word === 'tell') return { ...effect, record: await coder.encodeRecord(effect.record) };
  const at = effect.text.indexOf('\n') + 1;
  return { ...effect, text: effect.text.slice(0, at) + (await coder.encodeRecord(effect.text.slice(at))) };
}

const encodeEnding = async (coder: RecordCoder, ending: Ending): Promise<Ending> =>
  ending.word === 'stuck' ? { ...ending, reason: await coder.encode(ending.reason) } : ending;
