export async function compareModel(_: {
  sequences: number;
  seed: number;
}): Promise<{ sequences: number; commands: number; differences: readonly unknown[] }> {
  throw new Error('not yet');
}
