/**
 * Vectors as models of text make them: clusters of uneven size and width on a curved surface, with a common offset and noise, of
 * length 1; and the exact answers.
 *
 * Guarantees: the same seed gives the same vectors. Queries are of the same clusters, and are not stored.
 */
import { type Random, seededRandom } from '@holdfast/kernel';

export const DIMENSIONS = 384;
export const NEAREST = 10;
const LATENT = 32;
/** Of a cluster in latent space, times 0.6 to 1.4; and of the noise of each dimension. */
const WIDTH = 0.75;
const NOISE = 0.45;

export interface VectorSource {
  /** So many more vectors. */
  next(count: number): Float32Array[];
}

export function vectorSource(seed: number, clusters: number): VectorSource {
  const random = seededRandom(seed);
  const normal = normals(random);
  const matrix = (rows: number, columns: number, size: number): Float64Array =>
    Float64Array.from({ length: rows * columns }, () => size * normal());
  const size = 1 / Math.sqrt(LATENT);
  const [flat, bent] = [matrix(LATENT, DIMENSIONS, size), matrix(LATENT, DIMENSIONS, 0.7 * size)];
  const bend = matrix(LATENT, LATENT, 1.5 * size);
  const offset = matrix(1, DIMENSIONS, 0.25);
  const centers = Array.from({ length: clusters }, () => matrix(1, LATENT, 1));
  const widths = centers.map(() => WIDTH * (0.6 + 0.8 * random.unit()));
  // The n-th cluster is chosen as often as n ** -0.7 says.
  let sum = 0;
  const shares = centers.map((_, n) => {
    sum += (n + 1) ** -0.7;
    return sum;
  });
  const chosen = (): number => {
    const at = random.unit() * sum;
    let [low, high] = [0, clusters - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (shares[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const one = (): Float32Array => {
    const cluster = chosen();
    const latent = centers[cluster]!.map((value) => value + widths[cluster]! * normal());
    const values = offset.map((value) => value + 1.4 * NOISE * normal());
    for (let i = 0; i < LATENT; i++) {
      let angle = 0;
      for (let j = 0; j < LATENT; j++) angle += latent[j]! * bend[j * LATENT + i]!;
      const [straight, sine] = [latent[i]!, Math.sin(angle)];
      const from = i * DIMENSIONS;
      for (let j = 0; j < DIMENSIONS; j++) {
        values[j]! += straight * flat[from + j]! + sine * bent[from + j]!;
      }
    }
    let square = 0;
    for (let j = 0; j < DIMENSIONS; j++) square += values[j]! * values[j]!;
    const length = Math.sqrt(square);
    const vector = new Float32Array(DIMENSIONS);
    for (let j = 0; j < DIMENSIONS; j++) vector[j] = values[j]! / length;
    return vector;
  };
  return { next: (count) => Array.from({ length: count }, one) };
}

/** Of each query the nearest vectors by cosine, by looking at all of them, or at all that are wanted. */
export function exactAnswers(
  queries: readonly Float32Array[],
  vectors: readonly Float32Array[],
  isWanted: (at: number) => boolean = () => true,
): readonly ReadonlySet<number>[] {
  // In 64 bits, and one vector with all queries, because converting and fetching take longer than adding up.
  const asked = queries.map((query) => ({
    query: Float64Array.from(query),
    best: [] as { readonly score: number; readonly at: number }[],
    least: Number.NEGATIVE_INFINITY,
  }));
  const present = new Float64Array(DIMENSIONS);
  vectors.forEach((vector, at) => {
    if (!isWanted(at)) return;
    present.set(vector);
    for (const one of asked) {
      const score = product(one.query, present);
      if (score <= one.least) continue;
      one.best.push({ score, at });
      one.best.sort((a, b) => a.score - b.score);
      if (one.best.length > NEAREST) one.best.shift();
      if (one.best.length === NEAREST) one.least = one.best[0]!.score;
    }
  });
  return asked.map(({ best }) => new Set(best.map(({ at }) => at)));
}

/** In four sums, which a processor adds up at a time. */
function product(one: Float64Array, other: Float64Array): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let j = 0; j < DIMENSIONS; j += 4) {
    a += one[j]! * other[j]!;
    b += one[j + 1]! * other[j + 1]!;
    c += one[j + 2]! * other[j + 2]!;
    d += one[j + 3]! * other[j + 3]!;
  }
  return a + b + c + d;
}

function normals(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
}
