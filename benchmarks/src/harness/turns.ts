/**
 * In which order contestants take turns in a round.
 *
 * Guarantees: everybody once. Each odd round reverses the order of the round before, and each pair of rounds begins with
 * another contestant, so that nobody always follows the same neighbour.
 */
export function turns<T>(contestants: readonly T[], round: number): readonly T[] {
  const start = Math.floor(round / 2) % contestants.length;
  const rotated = [...contestants.slice(start), ...contestants.slice(0, start)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}
