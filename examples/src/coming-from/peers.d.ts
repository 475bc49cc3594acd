/**
 * The parts of redlock 4 and 5 that are used here. Version 4 has no declarations, and the `exports` of version 5 hide
 * them from TypeScript's nodenext resolution.
 */
declare module 'redlock-4' {
  import type { Redis } from 'ioredis';

  interface Settings {
    readonly driftFactor: number;
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  interface Lock {
    extend(ttl: number): Promise<Lock>;
    unlock(): Promise<void>;
  }

  export default class Redlock {
    constructor(clients: readonly Redis[], settings?: Partial<Settings>);
    lock(resource: string, ttl: number): Promise<Lock>;
  }
}

declare module 'redlock' {
  import type { Redis } from 'ioredis';

  interface Settings {
    readonly driftFactor: number;
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  interface Lock {
    extend(duration: number): Promise<Lock>;
    release(): Promise<unknown>;
  }

  export default class Redlock {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    acquire(resources: string[], duration: number, settings?: Partial<Settings>): Promise<Lock>;
    using<T>(resources: string[], duration: number, routine: () => Promise<T>): Promise<T>;
  }
}
