/** One short episode of an index of vectors with kills, a pause and a cut ends without a violation; and the judge does find violations. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { deployQuorum } from '../src/deployment/quorum.js';
import { runEpisode } from '../src/episode.js';
import type { FoundRecord, VectorsRecord } from '../src/vectors/assignment.js';
import { nearnessOf } from '../src/vectors/definitions.js';
import { judgeVectors } from '../src/vectors/judge.js';
import { vectorsSubject } from '../src/vectors/subject.js';

/** `npm run test:full` has it only, as it takes ten seconds of the processor's time. */
if (process.env['HOLDFAST_TESTS'] === 'full') {
  it('an episode with kills, a pause and a cut has writes and searches, and no violation', async () => {
    const deployed = await deployQuorum({ nodes: 1, clients: 3, clocks: false, persistence: 'synchronous' });
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
    try {
      const outcome = await runEpisode({
        ...{ subject: vectorsSubject, number: 1, seed: 7, duration: 5_000, clients: 3, workers: 1 },
        ...{ deployed, folder },
        schedule: [
          { from: 1_000, until: 1_500, fault: { kind: 'kill-node', node: 0, empty: false } },
          { from: 1_700, until: 3_500, fault: { kind: 'freeze-client', client: 1 } },
          { from: 2_500, until: 2_700, fault: { kind: 'kill-client', client: 2 } },
          { from: 3_000, until: 3_100, fault: { kind: 'link', how: 'cut', client: 0, node: 0 } },
        ],
      });
      expect(outcome.violations).toEqual([]);
      expect(outcome.counts.get('writes written')).toBeGreaterThan(20);
      expect(outcome.counts.get('searches after a place')).toBeGreaterThan(5);
      expect(outcome.counts.get('processes that know all in the end')).toBeGreaterThan(0);
      expect([...outcome.injected.values()].reduce((sum, one) => sum + one, 0)).toBe(4);
    } finally {
      await deployed.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
}

const QUERY = 5;
const hitOf = (id: string, value: string, time: number): FoundRecord => ({
  ...{ id, value, time, score: nearnessOf(value, QUERY) },
});

const writing = (at: number, id: string, value: string, more: object = {}): VectorsRecord => ({
  ...{ at, process: 'p', e: 'writing', word: 'put', id, value, time: at, token: 0 },
  ...more,
});
const written = (at: number, value: string, sequence: number, outcome = 'written'): VectorsRecord => ({
  ...{ at, process: 'p', e: 'written', value, outcome, place: `e@${sequence}` },
});
const found = (
  at: number,
  sequence: number,
  hits: readonly FoundRecord[],
  after?: string,
): VectorsRecord => ({
  ...{ at, process: 'q', e: 'found', after, place: `e@${sequence}`, query: QUERY, hits },
});

/** A document is put twice, another is put and deleted; and both are searched. */
const GOOD: readonly VectorsRecord[] = [
  writing(1, 'd1', 'a'),
  written(2, 'a', 10),
  writing(3, 'd1', 'b', { token: 7 }),
  written(4, 'b', 11),
  writing(5, 'd2', 'c'),
  written(6, 'c', 12),
  writing(7, 'd2', 'x', { word: 'delete' }),
  written(8, 'x', 13),
  found(9, 11, [hitOf('d1', 'b', 3)], 'e@11'),
  found(10, 13, [hitOf('d1', 'b', 3)], 'e@13'),
  { at: 11, process: 'q', e: 'ends', hits: [hitOf('d1', 'b', 3)] },
];
const LEFT = [{ id: 'd1', value: 'b', time: 3 }];

const rulesFor = (more: readonly VectorsRecord[], left = LEFT, durable = true): string[] =>
  judgeVectors([...GOOD, ...more], { left, durable, hasModels: false }).violations.map(({ rule }) => rule);

it('the judge finds nothing wrong where nothing is, and each promise that is broken', () => {
  expect(rulesFor([])).toEqual([]);
  expect(rulesFor([found(12, 10, [hitOf('d1', 'a', 1)])])).toEqual([]);
  expect(rulesFor([found(12, 11, [hitOf('d1', 'a', 1)])])).toEqual(['old document']);
  expect(rulesFor([found(12, 13, [hitOf('d1', 'b', 3), hitOf('d2', 'c', 5)])])).toEqual(['resurrection']);
  expect(rulesFor([found(12, 13, [])])).toEqual(['missing document']);
  expect(rulesFor([found(12, 12, [hitOf('d1', 'b', 3)], 'e@13')])).toEqual(['unseen place']);
  expect(rulesFor([found(12, 13, [hitOf('d1', 'b', 3)], 'f@1')])).toEqual(['unseen place']);
  expect(rulesFor([found(12, 13, [hitOf('d1', 'b', 4)])])).toEqual(['document of nobody']);
  const wrong = { ...hitOf('d1', 'b', 3), score: hitOf('d1', 'b', 3).score - 0.2 };
  expect(rulesFor([found(12, 13, [wrong])])).toEqual(['half written']);
  expect(rulesFor([found(12, 13, [hitOf('d1', 'b', 3), hitOf('d1', 'b', 3)])])).toEqual(['twice']);
  const stale = [writing(12, 'd1', 'y', { token: 6, time: 2 }), written(13, 'y', 14)];
  expect(rulesFor(stale)).toEqual(['stale write']);
  const ends: VectorsRecord = { at: 12, process: 'r', e: 'ends', hits: [] };
  expect(rulesFor([ends])).toEqual(['diverged']);
  expect(rulesFor([{ ...ends, hits: [hitOf('d1', 'a', 1)] }], [{ id: 'd1', value: 'a', time: 1 }])).toEqual([
    ...['old document', 'diverged'],
  ]);
  // A server that forgets may have lost it.
  expect(rulesFor([ends], [], false)).toEqual(['diverged']);
});

it('the judge finds vectors of another text or model, and a document without vectors after a cut', () => {
  const byModel = (id: string, value: string, time: number, model: 'm0' | 'm1'): FoundRecord => ({
    ...{ id, value, time, score: nearnessOf(value, QUERY, model) },
  });
  const base: readonly VectorsRecord[] = [
    writing(1, 'd1', 'a'),
    written(2, 'a', 10),
    writing(3, 'd2', 'b'),
    written(4, 'b', 11),
    { at: 5, process: 'p', e: 'cut', place: 'e@12' },
  ];
  const rules = (more: readonly VectorsRecord[]): string[] =>
    judgeVectors([...base, ...more], { left: [], durable: false, hasModels: true }).violations.map(
      ({ rule }) => rule,
    );
  const one = byModel('d1', 'a', 1, 'm1');
  expect(rules([found(6, 12, [one, byModel('d2', 'b', 3, 'm1')])])).toEqual([]);
  expect(rules([found(6, 12, [one, byModel('d2', 'b', 3, 'm0')])])).toEqual(['half written']);
  expect(rules([found(6, 12, [one, { ...byModel('d2', 'a', 3, 'm1'), value: 'b' }])])).toEqual([
    'half written',
  ]);
  expect(rules([found(6, 12, [one])])).toEqual(['half a model']);
  expect(rules([found(6, 11, [one])])).toEqual([]);
  // Its text is another one by now, and may wait for its vectors.
  expect(rules([writing(6, 'd2', 'c'), found(7, 12, [one])])).toEqual([]);
  expect(rules([writing(6, 'd2', 'c'), written(7, 'c', 13), found(8, 13, [one])])).toEqual([]);
});
