/** Offsets as partitions keep them: two numbers, compared one after the other. */
export function compareOffsets(one: string, other: string): number {
  const [high = 0, low = 0] = one.split(' ').map(Number);
  const [than = 0, lower = 0] = other.split(' ').map(Number);
  return high - than || low - lower;
}
