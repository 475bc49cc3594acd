/**
 * Reads a log with planted anomalies as if it came now, and tells how many of them were found, and how many alerts were none.
 *
 * Settings come from the environment: REDIS_URL, the data; LINES, how many, 10000 by default; PLANTED, how many of them are
 * planted; WINDOW, for how long a line is remembered, in ms; THRESHOLD; SEED.
 */
import { createEmbedder, createIndex } from '@holdfast/vectors';
import { data, stop } from '../nodes.js';
import { DIMENSIONS, embed, MODEL } from '../sentence-model.js';
import { Detector } from './detector.js';
import { log, MOST_PLANTED } from './lines.js';

const { env } = process;
const lines = Number(env['LINES'] ?? 10_000);
const planted = Math.min(Number(env['PLANTED'] ?? MOST_PLANTED), MOST_PLANTED);
const seed = Number(env['SEED'] ?? 1);
const threshold = Number(env['THRESHOLD'] ?? 0.8);
/** Lines that are taken at once, as they would come in a hundredth of a second. */
const AT_ONCE = 64;

const seen = createIndex({
  ...{ redis: data, name: 'log-lines', tombstones: 1_000 },
  vectors: { model: MODEL, dimensions: DIMENSIONS },
});
const embedder = createEmbedder({ embed, model: MODEL });
const detector = new Detector({ seen, embedder, window: Number(env['WINDOW'] ?? 3_600_000), threshold });

const all = log({ lines, planted, seed });
await embedder.embed(['the model is loaded']);
const began = performance.now();
/** What comes first is all new: it is learned, without alerts. */
const learning = Math.floor(lines / 5);
let [right, wrong] = [0, 0];
for (let from = 0; from < lines; from += AT_ONCE) {
  const some = all.slice(from, from + AT_ONCE);
  const alerts = await detector.take(some.map(({ text }) => text));
  for (const { text, score = 0, nearest = 'nothing' } of alerts) {
    const at = some.findIndex((line) => line.text === text);
    if (from + at < learning) continue;
    if (some[at]?.isPlanted) right += 1;
    else wrong += 1;
    console.log(`alert ${score.toFixed(2)}: ${text} (nearest: ${nearest})`);
  }
}
const seconds = (performance.now() - began) / 1_000;
const kinds = await seen.count();
console.log(`${lines} lines of ${kinds} kinds, ${Math.round(lines / seconds)} a second`);
const precision = right / Math.max(1, right + wrong);
console.log(
  `${right} of ${planted} planted found: recall ${(right / planted).toFixed(3)}, precision ${precision.toFixed(3)}`,
);
await seen.close();
await stop();
