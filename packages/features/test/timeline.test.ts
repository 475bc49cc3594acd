/** Servers that forget their latest rows, and a training set that has for each read what it was answered. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoted } from '../src/offline/duckdb.js';
import { type LogEpoch, timelineOf } from '../src/offline/epochs.js';
import { joinSql, numberedLabels } from '../src/offline/joins.sql.js';
import { duckdb, fileFor, useDuckDb } from './duckdb.js';

useDuckDb();

const IDS = ['u1', 'u2', 'u3'];

type Step =
  | { readonly kind: 'land'; readonly id: string }
  | { readonly kind: 'read'; readonly id: string; readonly byPlace: boolean }
  /** The server is back with so many entries less, of those that it has. */
  | { readonly kind: 'restart'; readonly lost: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('land' as const), id: fc.constantFrom(...IDS) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      id: fc.constantFrom(...IDS),
      byPlace: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('restart' as const), lost: fc.constantFrom(0, 0, 1, 2, 5) }),
  },
);

interface Entry {
  readonly epoch: string;
  readonly place: number;
  /** Undefined for the entry with which an epoch begins. */
  readonly row: { readonly id: string; readonly n: number } | undefined;
}

interface Read {
  readonly id: string;
  readonly at: number;
  /** "<epoch> <place>", undefined for a read that is known by its time. */
  readonly place: string | undefined;
  readonly answer: number | null;
}

/** What a server has done, all that it has ever logged, and what it has answered. */
function simulate(steps: readonly Step[]) {
  let [clock, count] = [1_000, 1];
  let log: Entry[] = [{ epoch: '1.a', place: clock, row: undefined }];
  const all = [...log];
  const epochs = new Map<string, LogEpoch>([
    ['1.a', { epoch: '1.a', through: clock, began: clock, from: 0, parent: '' }],
  ]);
  const reads: Read[] = [];
  const append = (entry: Entry): void => {
    log.push(entry);
    all.push(entry);
    epochs.set(entry.epoch, { ...epochs.get(entry.epoch), epoch: entry.epoch, through: entry.place });
  };
  for (const step of steps) {
    clock += 2;
    const last = log.at(-1) as Entry;
    if (step.kind === 'land') {
      append({ epoch: last.epoch, place: clock, row: { id: step.id, n: clock } });
    } else if (step.kind === 'restart') {
      log = log.slice(0, Math.max(1, log.length - step.lost));
      const { epoch: parent, place: from } = log.at(-1) as Entry;
      // The name of an epoch has how many were before it, so two can have the same number.
      const epoch = `${Number(parent.split('.')[0]) + 1}.${count++}`;
      epochs.set(epoch, { epoch, through: clock, began: clock, from, parent });
      append({ epoch, place: clock, row: undefined });
    } else {
      const answer = log.filter(({ row }) => row?.id === step.id).at(-1)?.row?.n ?? null;
      const place = step.byPlace ? `${last.epoch} ${last.place}` : undefined;
      reads.push({ id: step.id, at: clock + 1, place, answer });
    }
  }
  return { all, epochs: [...epochs.values()], reads };
}

describe('a training set over epochs', () => {
  it('has for each read, by place or by time, what it was answered, whatever servers have forgotten since', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60 }), async (steps) => {
        const { all, epochs, reads } = simulate(steps);
        if (reads.length === 0) return;
        const rows = all.flatMap(({ epoch, place, row }) =>
          row === undefined
            ? []
            : [
                `(4, ${quoted(epoch)}, '1-0', ${place}::BIGINT, 0, ${quoted(row.id)}, ${place}::BIGINT, ${row.n})`,
              ],
        );
        const labels = fileFor('timeline-labels.parquet');
        const values = reads.map(({ id, at, place }) => {
          const json = JSON.stringify({ partition: 4, at: place, id, generation: '1-0', n: 1, now: at });
          return `(${quoted(id)}, make_timestamp(${at}), ${place === undefined ? 'NULL' : quoted(json)})`;
        });
        await duckdb().run(
          `COPY (SELECT * FROM (VALUES ${values.join(', ')}) l("user", "when", "p@place")) TO ${quoted(labels)} (FORMAT parquet)`,
        );
        const columns = '("@partition", "@epoch", "@generation", "@place", "@seat", "@id", "@time", n)';
        const none = `(-1, '', '', 0, 0, '', 0, 0)`;
        const sql = joinSql({
          ...{ labels: `(${numberedLabels([labels], 'when')})`, join: 'as-served', places: true },
          views: [
            {
              ...{ alias: 'p', parts: ['user'], fields: ['n'] },
              rows: `(SELECT * FROM (VALUES ${[...rows, none].join(', ')}) r${columns})`,
              live: [{ n: 1, since: 0, generation: '1-0', ttl: null }],
              windows: undefined,
              isFlags: false,
              timelines: new Map([[4, timelineOf(epochs)]]),
            },
          ],
        });
        const joined = (await duckdb().runAndReadAll(sql)).getRowObjectsJS();
        expect(joined.map((row) => row['p.n'])).toEqual(reads.map(({ answer }) => answer));
      }),
      { numRuns: 80 },
    );
  });

  it('is of one segment while servers restart and lose nothing', () => {
    const steps: Step[] = [1, 2, 3].flatMap(() => [
      { kind: 'land', id: 'u1' } as const,
      { kind: 'restart', lost: 0 } as const,
    ]);
    const { segments } = timelineOf(simulate(steps).epochs);
    expect(segments.size).toBe(4);
    expect(new Set(segments.values()).size).toBe(1);
  });
});
