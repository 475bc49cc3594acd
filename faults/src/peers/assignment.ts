/** The assignment of a worker of the comparison, and its messages. */

export interface WorkerAssignment {
  /** Its place among the contenders. */
  readonly contender: number;
  readonly name: string;
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly store: string;
}

export interface Saying {
  /**
   * It is in its section and its library says that it may rely on the lock; its write was acknowledged; it has left;
   * the lock that it was granted had already run out.
   */
  readonly what: 'in' | 'written' | 'out' | 'expired';
  /** The section. */
  readonly id: string;
  /** Microseconds of the machine's monotonic clock. */
  readonly at: number;
}
