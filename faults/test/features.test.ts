/** One short episode of features with kills, a pause and a cut ends without a violation; and the judge does find violations. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deployQuorum } from '../src/deployment/quorum.js';
import { runEpisode } from '../src/episode.js';
import type { FeaturesRecord } from '../src/features/assignment.js';
import { type Found, judgeFeatures } from '../src/features/judge.js';
import { featuresSubject } from '../src/features/subject.js';

/** `npm run test:full` has it only, as it takes ten seconds of the processor's time. */
if (process.env['HOLDFAST_TESTS'] === 'full') {
  it('an episode with kills, a pause and a cut has rows, events and cuts, and no violation', async () => {
    const deployed = await deployQuorum({ nodes: 1, clients: 3, clocks: false, persistence: 'synchronous' });
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
    try {
      const outcome = await runEpisode({
        ...{ subject: featuresSubject, number: 1, seed: 7, duration: 6_000, clients: 3, workers: 1 },
        ...{ deployed, folder },
        schedule: [
          { from: 1_500, until: 2_000, fault: { kind: 'kill-node', node: 0, empty: false } },
          { from: 2_200, until: 4_500, fault: { kind: 'freeze-client', client: 1 } },
          { from: 3_000, until: 3_200, fault: { kind: 'kill-client', client: 2 } },
          { from: 3_500, until: 3_600, fault: { kind: 'link', how: 'cut', client: 0, node: 0 } },
        ],
      });
      expect(outcome.violations).toEqual([]);
      for (const what of ['rows accepted', 'reads', 'events counted'])
        expect(outcome.counts.get(what), what).toBeGreaterThan(20);
      expect(outcome.counts.get('rows lost')).toBe(0);
      expect([...outcome.injected.values()].reduce((sum, one) => sum + one, 0)).toBe(4);
    } finally {
      await deployed.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
}

/** Two holders of the lane, each of which has landed a row of one id, and reads. */
const GOOD: readonly FeaturesRecord[] = [
  { at: 1, process: 'p', e: 'opened', token: 1 },
  { at: 2, process: 'p', e: 'landing', token: 1, rows: [{ id: 'k', time: 10, value: 'a' }] },
  { at: 3, process: 'p', e: 'landed', token: 1, outcomes: { a: 'accepted' } },
  { at: 4, process: 'q', e: 'read', begins: 4, id: 'k', reason: undefined, time: 10, value: 'a' },
  { at: 5, process: 'q', e: 'opened', token: 2 },
  { at: 6, process: 'q', e: 'landing', token: 2, rows: [{ id: 'k', time: 11, value: 'b' }] },
  { at: 7, process: 'q', e: 'landed', token: 2, outcomes: { b: 'accepted' } },
  { at: 8, process: 'p', e: 'read', begins: 8, id: 'k', reason: undefined, time: 11, value: 'b' },
];
const FOUND: Found = {
  ...{ rows: new Map([['k', { time: 11, value: 'b' }]]), counted: 3, scanned: 3, count: 9, events: 9 },
  ...{ exported: ['a', 'b'], doubled: 0 },
};

const rulesFor = (records: readonly FeaturesRecord[], found: Partial<Found> = {}, durable = true): string[] =>
  judgeFeatures(records, { found: { ...FOUND, ...found }, durable }).violations.map(({ rule }) => rule);

it('the judge finds nothing wrong where nothing is, and each promise that is broken', () => {
  expect(rulesFor(GOOD)).toEqual([]);
  const late: FeaturesRecord = {
    ...{ at: 6, process: 'p', e: 'landing', token: 1 },
    rows: [{ id: 'k', time: 9, value: 'c' }],
  };
  const landed: FeaturesRecord = { at: 7, process: 'p', e: 'landed', token: 1, outcomes: { c: 'accepted' } };
  expect(rulesFor([...GOOD, late, landed], { exported: ['a', 'b', 'c'] })).toEqual(['stale write']);
  expect(rulesFor([...GOOD, late, { ...landed, outcomes: { c: 'older' } }])).toEqual([]);
  const old: FeaturesRecord = {
    at: 9,
    process: 'p',
    e: 'read',
    begins: 9,
    id: 'k',
    reason: 'missing',
  } as never;
  expect(rulesFor([...GOOD, old])).toEqual(['old read']);
  expect(rulesFor(GOOD, { rows: new Map([['k', { time: 10, value: 'a' }]]) })).toEqual(['lost row']);
  expect(rulesFor(GOOD, { rows: new Map([['k', { time: 11, value: 'a' }]]) })).toEqual(['row of nobody']);
  expect(rulesFor(GOOD, { rows: new Map() }, false)).toEqual([]);
  expect(rulesFor(GOOD, { counted: 4 })).toEqual(['count of rows']);
  expect(rulesFor(GOOD, { count: 10 })).toEqual(['count of events']);
  expect(rulesFor(GOOD, { exported: ['a'] })).toEqual(['lost export']);
  expect(rulesFor(GOOD, { exported: ['a', 'b', 'b'] })).toEqual(['lost export']);
  expect(rulesFor(GOOD, { exported: ['a', 'b', 'z'] })).toEqual(['row of nobody']);
  expect(rulesFor(GOOD, { doubled: 1 })).toEqual(['doubled export']);
});
