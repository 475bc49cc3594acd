/** The centroids of two halves of some vectors, by k-means. */

const ROUNDS = 5;
/** A half of less than this part is none: the vectors are equal, or few of them lie apart. */
const LEAST_PART = 1 / 8;

/** Undefined if they do not fall into two. */
export function halvesOf(
  vectors: readonly Float32Array[],
): readonly [Float32Array, Float32Array] | undefined {
  const [first] = vectors;
  if (first === undefined) return undefined;
  const one = furthestFrom(first, vectors);
  let centroids: readonly [Float32Array, Float32Array] = [one, furthestFrom(one, vectors)];
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = centroids;
    const sums = [new Float32Array(a.length), new Float32Array(a.length)] as const;
    const counts: [number, number] = [0, 0];
    for (const vector of vectors) {
      const half = distance(vector, a) <= distance(vector, b) ? 0 : 1;
      counts[half] += 1;
      const sum = sums[half];
      for (let j = 0; j < sum.length; j++) sum[j]! += vector[j]!;
    }
    if (Math.min(...counts) < LEAST_PART * vectors.length) return undefined;
    const [n, m] = counts;
    centroids = [sums[0].map((value) => value / n), sums[1].map((value) => value / m)];
  }
  return centroids;
}

function furthestFrom(vector: Float32Array, vectors: readonly Float32Array[]): Float32Array {
  let [most, found] = [-1, vector];
  for (const each of vectors) {
    const away = distance(each, vector);
    if (away > most) [most, found] = [away, each];
  }
  return found;
}

function distance(a: Float32Array, b: Float32Array): number {
  let square = 0;
  for (let j = 0; j < a.length; j++) square += (a[j]! - b[j]!) ** 2;
  return square;
}
