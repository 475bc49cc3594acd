/** Anomalies of a log, found by a real model of sentences: planted ones, what is new and harmless, and what was forgotten. */
import { type LocalNodes, startNodes } from '@holdfast/local';
import { createEmbedder, createIndex } from '@holdfast/vectors';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Detector, kindOf } from '../src/log-anomalies/detector.js';
import { DIMENSIONS, embed, MODEL } from '../src/sentence-model.js';
import { run } from './program.js';

let nodes: LocalNodes;
let redis = '';
beforeAll(async () => {
  nodes = await startNodes(1);
  redis = nodes.urls[0] ?? '';
});
afterAll(() => nodes.stop());

it('finds what was planted, and little else', async () => {
  const { output, code } = await run('log-anomalies/main.ts', [], {
    ...{ HOLDFAST_NODES: redis, REDIS_URL: redis },
    ...{ LINES: '1500', PLANTED: '20', SEED: '3' },
  });
  const [, recall, precision] = /recall (\d\.\d+), precision (\d\.\d+)/.exec(output) ?? [];
  expect(Number(recall), output).toBeGreaterThanOrEqual(0.95);
  expect(Number(precision), output).toBeGreaterThanOrEqual(0.8);
  expect(output).toMatch(/^alert 0\.\d\d: kernel Out of memory/m);
  expect(output).toMatch(/^alert 0\.\d\d: (?:recommendations|search suggestions)/m); // new, and harmless
  expect(code).toBe(0);
});

it('remembers a line for as long as the window, and is renewed by others of its kind', async () => {
  const index = () =>
    createIndex({
      ...{ redis, name: 'log', tombstones: 1_000 },
      vectors: { model: MODEL, dimensions: DIMENSIONS },
    });
  const [seen, other] = [index(), index()];
  const embedder = createEmbedder({ embed, model: MODEL });
  const detector = (of: typeof seen, window: number): Detector =>
    new Detector({ seen: of, embedder, window, threshold: 0.8 });
  const failed = (n: number): string => `payment ${n} of order 17 failed after ${3 * n} ms`;
  const hour = detector(seen, 3_600_000);
  expect(await hour.take([failed(1), failed(2)])).toMatchObject([{ text: failed(2), score: undefined }]);
  expect(await hour.take([failed(3)])).toEqual([]);
  await other.ready();
  expect(await detector(other, 3_600_000).take([failed(4)])).toEqual([]); // another process knows it, too

  expect(await detector(other, 1).take([failed(5)])).toEqual([]);
  await expect.poll(() => other.count()).toBe(0);
  expect(await detector(other, 3_600_000).take([failed(6)])).toHaveLength(1);
  await Promise.all([seen.close(), other.close()]);
});

it('takes lines that differ in numbers and ids only for one kind', () => {
  const line = (id: string, ms: number): string =>
    `GET /cart 200 in ${ms} ms from 10.0.1.${ms} request ${id}`;
  expect(kindOf(line('8a31f00c', 12))).toBe(kindOf(line('00000001', 345)));
  expect(kindOf('GET /cart 200')).not.toBe(kindOf('GET /help 200'));
});
