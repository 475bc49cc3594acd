/**
 * What a canary is: one mistake in the shipped code, as changes of its files.
 */
export interface Canary {
  readonly name: string;
  /** What goes wrong. */
  readonly about: string;
  /** The situation in which it shows, where other plans come to that too rarely. */
  readonly focus?: string;
  readonly changes: readonly Change[];
}

interface Change {
  /** Relative to the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}
