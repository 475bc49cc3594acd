/**
 * One client of a feature store: takes rights from the others again and again, lands rows, follows the source, builds
 * generations, exports, and reads, and records what it is told.
 *
 * It is killed and stopped at any moment. It ends when it is told to finish, or when the harness is gone.
 */
import { dirname, join } from 'node:path';
import { GenerationEndedError, IncompleteError, type RowOutcome } from '@holdfast/features';
import { StaleTokenError } from '@holdfast/fence';
import {
  AbortedError,
  BusyError,
  LeaseLostError,
  MisuseError,
  pause,
  seededRandom,
  systemClock,
  UnavailableError,
} from '@holdfast/kernel';
import { joinHarness } from '../traffic/harness.js';
import { take } from '../traffic/issuer.js';
import { connectNodes, disconnectNodes } from '../traffic/reach.js';
import { monotonic, recordsIn } from '../traffic/recorder.js';
import { type FeaturesAssignment, type FeaturesRecord, ROWS, type SentRow } from './assignment.js';
import { clicks, facts, sourceOf, storeOf, userOf } from './definitions.js';
import { exportAll } from './export.js';

const { assignment, finishing, say, leave, unexpected } = joinHarness<FeaturesAssignment>();
const { name, seed, history, reach, began, time, mayForget, exports } = assignment;
const folder = dirname(history);

const record = recordsIn<FeaturesRecord>(history, name);
const did = (what: string, count = 1): void => record({ e: 'did', what, count });

const random = seededRandom(seed);
const between = (low: number, high: number): number => low + random.unit() * (high - low);
const rest = (ms: number): Promise<void> => pause(systemClock, ms, finishing).catch(() => {});

const [redis = ''] = connectNodes(reach);
const store = storeOf(redis, assignment.store);

/** What faults bring about; anything else must not happen. */
const EXPECTED = [
  ...[UnavailableError, StaleTokenError, LeaseLostError, AbortedError, BusyError],
  ...[GenerationEndedError, IncompleteError],
];

/** A server that has lost its power may come back as it was before the definitions were applied. */
const isUnapplied = (error: unknown): boolean =>
  error instanceof MisuseError && error.message.includes('call apply() once');

/** Does something again and again, until the end. */
async function repeat(least: number, most: number, work: () => Promise<void>): Promise<void> {
  while (!finishing.aborted) {
    await rest(between(least, most));
    if (finishing.aborted) return;
    try {
      await work();
    } catch (error) {
      if (error instanceof StaleTokenError) did('refused because of a higher token');
      if (mayForget && isUnapplied(error)) await store.apply().catch(() => {});
      else if (!EXPECTED.some((known) => error instanceof known)) unexpected(error);
      await rest(100);
    }
  }
}

let count = 0;

/** Takes the lane of rows from whoever has it, and lands rows for a while. */
async function write(): Promise<void> {
  const holder = take(folder, 'batch');
  await using lane = await store.open(facts, { holder, patience: 3_000 });
  record({ e: 'opened', token: holder.token });
  const until = systemClock.now() + between(100, 1_500);
  while (systemClock.now() < until && !finishing.aborted) {
    const rows = Array.from({ length: 1 + Math.floor(12 * random.unit()) }, (): SentRow => {
      count += 1;
      // Some are late: what a row says may be older than what is there.
      const at = Math.floor(systemClock.wall() / 1_000 - (random.unit() < 0.2 ? between(0, 2_000) : 0));
      return { id: `k${Math.floor(ROWS * random.unit())}`, time: at, value: `${name}-${count}` };
    });
    record({ e: 'landing', token: holder.token, rows });
    const { outcomes } = await lane.land(
      rows.map(({ id, time: at, value }) => ({ id, time: at, values: { value } })),
    );
    const known = rows.map(({ value }, place): [string, RowOutcome] => [value, outcomes[place] ?? 'refused']);
    record({ e: 'landed', token: holder.token, outcomes: Object.fromEntries(known) });
    await rest(between(0, 60));
  }
}

const parse = (event: unknown) => ({ user: userOf(event as number), at: time });

/** Takes the lane that counts from whoever has it, and follows the source for a while. */
async function follow(): Promise<void> {
  const holder = take(folder, 'stream');
  await using lane = await store.open(clicks, { lane: 'stream', holder });
  const follower = lane.follow(sourceOf(began), parse);
  const ended = follower.done().then(
    () => undefined,
    (error: unknown) => error,
  );
  await rest(between(200, 2_500));
  const giveUp = AbortSignal.timeout(3_000);
  await follower.stop({ signal: giveUp }).catch(() => {});
  const error = await ended;
  if (error !== undefined) throw error;
}

/** Builds a generation of the windows from the source's beginning, has it read, and ends those before. */
async function build(): Promise<void> {
  const holder = take(folder, 'builder');
  await endOthers(holder); // builders that have died leave theirs, of which there may be three
  const next = await store.begin(clicks, { holder });
  did('generations begun');
  const lane = await store.open(clicks, { lane: 'stream', generation: next, holder });
  const follower = lane.follow(sourceOf(began), parse);
  follower.done().catch(() => {});
  try {
    await rest(between(500, 2_000));
    await next.cut({ lanes: { stream: 'same' }, patience: 5_000 });
    did('generations cut to');
  } finally {
    await lane.close({ signal: AbortSignal.timeout(2_000) });
  }
}

async function endOthers(holder: ReturnType<typeof take>): Promise<void> {
  for (const { id, state } of await store.generations(clicks)) {
    if (state !== 'previous' && state !== 'filling') continue;
    const other = await store.generation(clicks, id, { holder });
    await (state === 'filling' ? other.abandon() : other.retire());
    did('generations ended');
  }
}

async function exportRows(): Promise<void> {
  const { rows } = await exportAll(store, join(folder, 'exported'), take(folder, 'exporter'));
  did('rows exported', rows);
}

async function read(): Promise<void> {
  const id = `k${Math.floor(ROWS * random.unit())}`;
  const begins = monotonic();
  const [row] = await store.rows(facts, [id]);
  const value = row?.values.value ?? undefined;
  record({ e: 'read', begins, id, reason: row?.reason, time: row?.time?.getTime(), value });
}

say({ say: 'ready' });
for (let isApplied = false; !isApplied && !finishing.aborted; ) {
  isApplied = await store.apply().then(
    () => true,
    (error: unknown) => {
      if (!EXPECTED.some((known) => error instanceof known)) unexpected(error);
      return false;
    },
  );
  if (!isApplied) await rest(50);
}
await Promise.all([
  repeat(0, 800, write),
  repeat(0, 800, follow),
  repeat(2_000, 8_000, build),
  ...(exports ? [repeat(1_000, 4_000, exportRows)] : []),
  repeat(0, 40, read),
]);
await store.close();
disconnectNodes();
leave();
