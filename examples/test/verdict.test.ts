/** The verdict has teeth: each thing that can be wrong with a run is told, and nothing else is. */
import { expect, it } from 'vitest';
import { type Facts, judge, verdictLines } from '../src/ledger/verdict.js';

const entries = [
  { id: '1-1', token: 100 },
  { id: '2-1', token: 200 },
  { id: '1-2', token: 300 },
];
const good: Facts = {
  fenced: true,
  granted: [100, 200, 150, 300],
  acknowledged: [entries[1]!, entries[0]!, entries[2]!],
  refused: 1,
  entries,
  balance: 3,
};

it('passes a run in which nothing was lost', () => {
  const verdict = judge(good);
  expect(verdict).toMatchObject({ good: true, lost: 0 });
  expect(verdict.checks.every(({ holds }) => holds)).toBe(true);
  expect(verdictLines(good, verdict).at(-1)).toBe(
    'Verdict: good. acknowledged 3, in the ledger 3, lost 0, refused 1.',
  );
});

it('passes a worker that was killed between its write and its word', () => {
  expect(judge({ ...good, acknowledged: entries.slice(0, 2) }).good).toBe(true);
});

/** Which check fails, by its number, and how many updates are lost. */
const wrong: [string, Partial<Facts>, number[], number][] = [
  ['a lost update', { balance: 2 }, [2], 1],
  [
    'an acknowledged increment that is nowhere',
    { acknowledged: [...entries, { id: '3-1', token: 400 }] },
    [1],
    1,
  ],
  ['an entry that is not in the list', { entries: entries.slice(1), balance: 3 }, [1, 2], 1],
  ['a balance above its entries', { balance: 4 }, [2], 0],
  ['an increment written twice', { entries: [...entries, entries[2]!], balance: 4 }, [1], 0],
  ['tokens out of order', { entries: [entries[0]!, entries[2]!, entries[1]!] }, [3], 0],
  ['a token granted twice', { granted: [100, 200, 200, 300] }, [0], 0],
  ['nothing granted', { granted: [] }, [0], 0],
  ['nothing acknowledged', { acknowledged: [] }, [1], 0],
  ['no stale write refused', { refused: 0 }, [4], 0],
];

it.each(wrong)('detects %s', (_, change, failing, lost) => {
  const facts = { ...good, ...change };
  const verdict = judge(facts);
  expect(verdict.good).toBe(false);
  expect(verdict.checks.flatMap(({ holds }, index) => (holds ? [] : [index]))).toEqual(failing);
  expect(verdict.lost).toBe(lost);
  expect(verdictLines(facts, verdict).at(-1)).toMatch(/^Verdict: FAILED\./);
});
