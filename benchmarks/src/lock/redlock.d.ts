/**
 * The part of redlock 5.0.0-beta.2 that the benchmark uses. The package has declarations, but its `exports` hide them
 * from TypeScript's nodenext resolution.
 */
declare module 'redlock' {
  import type { Redis } from 'ioredis';

  interface Settings {
    readonly driftFactor: number;
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  export default class Redlock {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    acquire(resources: string[], duration: number): Promise<{ release(): Promise<unknown> }>;
  }
}
