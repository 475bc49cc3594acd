/**
 * A process of several that write rows to one store at the same time, each in a lane of its own, and read them.
 *
 * Guarantees: every row is accepted, and every row that is read is there, which is checked.
 */
import { createFeatures, entity, service, t, view } from '@holdfast/features';
import { inParallel, usage } from './stand.js';

const NAMES = Array.from({ length: 10 }, (_, n) => `f${n}`);
const profile = view('profile', {
  entity: entity('user'),
  history: false,
  fields: Object.fromEntries(NAMES.map((name) => [name, t.float64()])),
});
const reading = service('reading', { views: { profile } });

export const openStore = (redis: string) =>
  createFeatures({
    redis,
    name: 'bench',
    partitions: 64,
    callTimeout: 30_000,
    views: [profile],
    services: [reading],
  });

const CHUNK = 2_048;
const PER_REQUEST = 10;
const MOST_READS = 16;

export interface Share {
  readonly do: 'land' | 'read';
  /** How many rows are landed, or requests made. */
  readonly count: number;
  /** Later than all before, in ms. */
  readonly time: number;
}

export interface Shared {
  readonly took: number;
  readonly cpu: number;
  readonly peak: number;
}

/** Arguments: the URL of Redis, and the number of this process, which has users of its own. */
export async function sharing(url = '', number = '') {
  const store = openStore(url);
  const lane = await store.open(profile, {
    lane: `lane${number}`,
    rank: Number(number) + 1,
    holder: { token: 1, resource: number, issuer: 'bench' },
  });
  const users = 10 * CHUNK;
  const idOf = (n: number): string => `u${number}-${n % users}`;

  const land = (count: number, time: number) =>
    inParallel(count / CHUNK, 2, async (turn) => {
      const first = turn * CHUNK;
      const rows = Array.from({ length: CHUNK }, (_, n) => ({
        id: idOf(first + n),
        // Each time round, a row is later than before.
        time: time + Math.floor(first / users),
        values: Object.fromEntries(NAMES.map((name, at) => [name, first + n + at / 10])),
      }));
      const { outcomes } = await lane.land(rows);
      const refused = outcomes.find((outcome) => outcome !== 'accepted');
      if (refused !== undefined) throw new Error(`A row was not accepted: ${refused}.`);
    });
  const read = (count: number) =>
    inParallel(count, MOST_READS, async (turn) => {
      const ids = Array.from({ length: PER_REQUEST }, (_, n) => ({ user: idOf(turn * 997 + n * 31) }));
      const rows = await store.get(reading, ids);
      if (rows.some((row) => row['profile.f0'] === null)) throw new Error('A row is missing.');
    });

  return async ({ do: what, count, time }: Share): Promise<Shared> => {
    const [began, before] = [performance.now(), usage()];
    await (what === 'land' ? land(count, time) : read(count));
    const after = usage();
    return { took: performance.now() - began, cpu: after.cpu - before.cpu, peak: after.peak };
  };
}
