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
    const length = Math.hypot(...values);
    return Float32Array.from(values, (value) => value / length);
  };
  return { next: (count) => Array.from({ length: count }, one) };
}

/** Of each query the nearest vectors by cosine, by looking at all of them. */
export function exactAnswers(
  queries: readonly Float32Array[],
  vectors: readonly Float32Array[],
): readonly ReadonlySet<number>[] {
  return queries.map((query) => {
    const best: { readonly score: number; readonly at: number }[] = [];
    vectors.forEach((vector, at) => {
      let score = 0;
      for (let j = 0; j < DIMENSIONS; j++) score += query[j]! * vector[j]!;
      if (best.length === NEAREST && score <= best[0]!.score) return;
      best.push({ score, at });
      best.sort((a, b) => a.score - b.score);
      if (best.length > NEAREST) best.shift();
    });
    return new Set(best.map(({ at }) => at));
  });
}

function normals(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
}
