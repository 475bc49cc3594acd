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

/** The part of redlock-universal that is used here: npm installs it only where Node is as new as it asks for. */
declare module 'redlock-universal' {
  import type { Redis } from 'ioredis';

  export class IoredisAdapter {
    constructor(client: Redis);
  }

  interface Handle {
    readonly id: string;
  }

  interface Lock {
    acquire(): Promise<Handle>;
    release(handle: Handle): Promise<boolean>;
  }

  export function createRedlock(options: {
    readonly adapters: readonly IoredisAdapter[];
    readonly key: string;
    readonly ttl: number;
  }): Lock;
}
