/**
 * The part of redlock 5.0.0-beta.2 that the comparison uses. The package has declarations, but its `exports` hide them
 * from TypeScript's nodenext resolution.
 */
declare module 'redlock' {
  import type { Redis } from 'ioredis';

  interface Settings {
    readonly driftFactor: number;
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
    readonly automaticExtensionThreshold: number;
  }

  export default class Redlock {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    on(event: 'error', listener: () => void): unknown;
    using<T>(resources: string[], duration: number, routine: (signal: AbortSignal) => Promise<T>): Promise<T>;
  }
}

/** The part of redlock-universal that is used here: npm installs it only where Node is as new as it asks for. */
declare module 'redlock-universal' {
  import type { Redis } from 'ioredis';

  export class IoredisAdapter {
    constructor(client: Redis);
  }

  interface Lock {
    using<T>(routine: (signal?: AbortSignal) => Promise<T>): Promise<T>;
  }

  export function createRedlock(options: {
    readonly adapters: readonly IoredisAdapter[];
    readonly key: string;
    readonly ttl: number;
  }): Lock;
}
