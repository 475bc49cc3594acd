/**
 * What replicas know: that they have what was written before, and the ceiling below which tokens are issued.
 *
 * Guarantees: `confirm` resolves once as many replicas as were asked for have all that the server had acknowledged when it
 * was called, and the ceiling; and to the epoch of that server, since another may answer by now. A server that its replicas
 * do not follow any more confirms nothing, and issues no tokens above its last ceiling; the next server begins above that,
 * whatever its clock says. WAIT has a connection of its own, and is asked once for all who ask meanwhile.
 */
import { type Clock, UnavailableError, within } from '@holdfast/kernel';
import { type Connection, evaluate, type Reply, reasonOf, SharedCall } from '@holdfast/redis';
import type { PartitionKeys } from '../keys.js';
import { scriptOf } from './scripts.js';

export interface ReplicationOptions {
  /** A connection that nobody shares, not open yet. */
  readonly connect: () => Connection;
  readonly keys: PartitionKeys;
  readonly app: string;
  readonly clock: Clock;
  /** How long the server may take to answer, in ms. */
  readonly callTimeout: number;
  /** How many replicas, and how long they may take, in ms; undefined: as others have asked for, if any have. */
  readonly replicas: { readonly count: number; readonly callTimeout: number } | undefined;
}

/** How long replicas may take that others have asked for, in ms. */
const PATIENCE = 1_000;

export class Replication {
  /** Why nothing was confirmed last; undefined if it was. */
  problem: string | undefined;
  readonly #options: ReplicationOptions;
  readonly #shared: SharedCall<string>;
  #connection: Connection | undefined;
  #isClosed = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#shared = new SharedCall(() => this.#ask());
  }

  /** Rejects with UnavailableError. */
  confirm(): Promise<string> {
    return this.#shared.ask();
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  async #ask(): Promise<string> {
    try {
      const epoch = await this.#confirm();
      this.problem = undefined;
      return epoch;
    } catch (cause) {
      const node = this.#connection?.address ?? '';
      // It may have left an answer behind that is not ours.
      this.#connection?.close();
      this.#connection = undefined;
      const reason = reasonOf(cause);
      this.problem = `replicas do not have what the workflow app "${this.#options.app}" has written: ${reason}`;
      throw new UnavailableError(
        `Too few replicas are known to have what the workflow app "${this.#options.app}" has written, so a failover may lose it. Try again.`,
        [{ node, reason }],
        { cause },
      );
    }
  }

  async #confirm(): Promise<string> {
    const { clock, callTimeout, replicas } = this.#options;
    const connection = await this.#open();
    const [word, epoch = '', ceiling = '', count] = await this.#evaluate(connection, 'ceiling', [
      String(replicas?.count ?? ''),
    ]);
    if (word !== 'ceiling') throw new Error('no replicas are asked for');
    const most = replicas?.callTimeout ?? PATIENCE;
    const waiting = connection.send('WAIT', [String(count), String(most)]);
    const have = Number(await within(clock, most + callTimeout, waiting, 'did not answer'));
    if (have < Number(count)) throw new Error(`${have} of ${count} replicas have it after ${most} ms`);
    const known = await this.#evaluate(connection, 'confirm', [String(epoch), String(ceiling)]);
    if (known[0] !== 'confirmed') throw new Error('another server has taken over meanwhile');
    return String(epoch);
  }

  async #open(): Promise<Connection> {
    const { clock, connect, callTimeout } = this.#options;
    if (this.#isClosed) throw new Error('the app is closed');
    if (this.#connection) return this.#connection;
    const connection = connect();
    this.#connection = connection;
    await within(clock, callTimeout, connection.open(), 'did not connect');
    return connection;
  }

  async #evaluate(
    connection: Connection,
    verb: Parameters<typeof scriptOf>[0],
    args: readonly string[],
  ): Promise<readonly Reply[]> {
    const { clock, callTimeout, keys } = this.#options;
    const script = scriptOf(verb);
    const reply = evaluate(connection, script, keys.for(script), [...args]);
    return (await within(clock, callTimeout, reply, 'did not answer')) as readonly Reply[];
  }
}
