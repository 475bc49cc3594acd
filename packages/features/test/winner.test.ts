/** Which row wins: the rule in TypeScript and the script that stores rows decide the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeader } from '../src/row/header.js';
import { judge, type Verdict } from '../src/row/winner.js';
import type { Partition } from '../src/store/partition.js';
import { NOW, type RowParts, row } from './rows.js';
import { client, openParts, useRedis } from './setting.js';

useRedis();

const LETTERS: Readonly<Record<Verdict, string>> = { accepted: 'a', same: 's', older: 'o', equal: 'e' };
const GENERATION = 'profile.1-0';

/** Few values, so that rows often agree in all but one of them. */
const anyParts: fc.Arbitrary<RowParts> = fc.record({
  time: fc.constantFrom(NOW, NOW + 1),
  rank: fc.constantFrom(1, 2),
  turn: fc.constantFrom(0, 1),
  source: fc.constantFrom(0, 0, 1),
  sequence: fc.constantFrom(1, 2 ** 53 - 1),
  second: fc.constantFrom(0, 2 ** 32 - 1),
  check: fc.constantFrom(5, 6),
});

/** The verdicts of the rule on rows that arrive one after another. */
function judged(rows: readonly Buffer[]): string {
  let kept: Buffer | undefined;
  return rows
    .map((each) => {
      const verdict = kept === undefined ? 'accepted' : judge(readHeader(each), readHeader(kept));
      if (verdict === 'accepted') kept = each;
      return LETTERS[verdict];
    })
    .join('');
}

describe('the rule', () => {
  it('agrees with the script, whatever rows arrive in whatever order', async () => {
    const partition = openParts().partitions[0] as Partition;
    const opening = { generation: GENERATION, lane: 'batch', source: '', token: 7, issuer: 'locks' };
    const opened = await partition.call(partition.verbs.open, {
      ...opening,
      renewed: '',
      seen: '',
      isNew: true,
    });
    const mark = opened.word === 'opened' ? opened.mark : '';
    await fc.assert(
      fc.asyncProperty(fc.array(anyParts, { minLength: 2, maxLength: 40 }), async (all) => {
        const rows = all.map(row);
        const request = { generation: GENERATION, lane: 'batch', mark, source: '', sourceMark: '' };
        const landing = { after: '', through: '', ahead: 300e6, history: false, parts: ['user'] };
        const ids = rows.map(() => 'u');
        const reply = await partition.call(partition.verbs.land, { ...request, ...landing, rows, ids });
        expect(reply).toMatchObject({ word: 'landed', verdicts: judged(rows) });
        await client().del(`{feat:shop.0}:${GENERATION}:u`);
      }),
    );
  });

  it('gives the same row in whatever order rows of one source partition arrive', () => {
    const parts = anyParts.map((each) => row({ ...each, source: 0, check: 5 }));
    fc.assert(
      fc.property(
        fc.array(parts, { minLength: 2, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        (rows, draw) => {
          const shuffled = rows
            .map((each) => [draw.next().value, each] as const)
            .sort(([one], [other]) => one - other)
            .map(([, each]) => each);
          const last = (all: readonly Buffer[]) =>
            all.reduce((kept, each) =>
              judge(readHeader(each), readHeader(kept)) === 'accepted' ? each : kept,
            );
          expect(last(shuffled).equals(last(rows))).toBe(true);
        },
      ),
    );
  });
});
