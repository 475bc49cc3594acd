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

/** The part of redlock-universal that is used here: npm installs it only where Node is as new as it asks for. */
declare module 'redlock-universal' {
  import type { Redis } from 'ioredis';

  export class IoredisAdapter {
    constructor(client: Redis);
  }

  interface Options {
    readonly adapters: readonly IoredisAdapter[];
    readonly key: string;
    readonly ttl: number;
    readonly retryAttempts?: number;
    readonly retryDelay?: number;
  }

  interface Handle {
    readonly id: string;
  }

  interface Lock {
    acquire(): Promise<Handle>;
    extend(handle: Handle, ttl: number): Promise<boolean>;
    release(handle: Handle): Promise<boolean>;
    using<T>(routine: () => Promise<T>): Promise<T>;
  }

  export function createRedlock(options: Options): Lock;
}
