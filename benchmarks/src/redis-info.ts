/**
 * Facts that the Redis nodes report, over connections of their own: CPU time, commands, memory.
 *
 * Guarantees: asks only between measurements. A node that is frozen does not answer and would hang the caller, so
 * thaw it first. Rejects when a node is gone.
 */
import { Redis } from 'ioredis';

/** Counters of all nodes together, since they started. */
export interface NodeCounters {
  /** CPU time of the servers, in microseconds. */
  readonly cpu: number;
  /** Commands, those within scripts included. */
  readonly commands: number;
  /** Calls of scripts and functions. */
  readonly scripts: number;
  /** PEXPIRE calls, of which an extension of a lease makes exactly one. */
  readonly extensions: number;
  /** Bytes. */
  readonly memory: number;
}

export class NodeObserver {
  readonly #clients: readonly Redis[];

  constructor(urls: readonly string[]) {
    this.#clients = urls.map((url) => new Redis(url));
  }

  async counters(): Promise<NodeCounters> {
    const texts = await Promise.all(this.#clients.map((client) => client.info('everything')));
    const sum = (pattern: RegExp): number =>
      texts.reduce((total, text) => total + Number(pattern.exec(text)?.[1] ?? 0), 0);
    return {
      cpu: texts.reduce((total, text) => total + cpuOf(text), 0),
      commands: sum(/^total_commands_processed:(\d+)/m),
      scripts: sum(/^cmdstat_evalsha:calls=(\d+)/m) + sum(/^cmdstat_fcall:calls=(\d+)/m),
      extensions: sum(/^cmdstat_pexpire:calls=(\d+)/m),
      memory: sum(/^used_memory:(\d+)/m),
    };
  }

  /** How often all nodes together ran one of `commands`, scripts' own calls of them included. */
  async calls(commands: readonly string[]): Promise<number> {
    const pattern = new RegExp(`^cmdstat_(?:${commands.join('|')}):calls=(\\d+)`, 'gm');
    const texts = await Promise.all(this.#clients.map((client) => client.info('commandstats')));
    const counts = texts.flatMap((text) => [...text.matchAll(pattern)].map(([, calls]) => Number(calls)));
    return counts.reduce((sum, calls) => sum + calls, 0);
  }

  /** CPU time of each server, in microseconds. */
  async cpuOfEach(): Promise<number[]> {
    const texts = await Promise.all(this.#clients.map((client) => client.info('cpu')));
    return texts.map((text) => cpuOf(text));
  }

  async redisVersion(): Promise<string> {
    const text = await this.#clients[0]?.info('server');
    return /^redis_version:(\S+)/m.exec(text ?? '')?.[1] ?? 'unknown';
  }

  /** Resolves when every node answers. */
  async ready(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.ping()));
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

/** In microseconds. */
function cpuOf(text: string): number {
  const [user, system] = ['user', 'sys'].map((kind) =>
    new RegExp(`^used_cpu_${kind}:([\\d.]+)`, 'm').exec(text),
  );
  return (Number(user?.[1] ?? 0) + Number(system?.[1] ?? 0)) * 1e6;
}
