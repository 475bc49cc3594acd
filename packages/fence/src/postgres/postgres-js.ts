/**
 * Connections of postgres.js, with transactions of our own.
 *
 * Its `sql.begin` sends BEGIN alone; a reserved connection lets BEGIN and the raise travel together. But a reserved
 * connection that is lost is opened again by the library, and would carry out the next statement outside of any
 * transaction, unguarded. So we watch the connection, and let no statement through after its loss or the
 * transaction's end.
 *
 * Guarantees: the `tx` that the user's code gets works like the transaction of `sql.begin`, with `savepoint`, and
 * carries out nothing once it is over. A version of the library that does not let us watch is refused.
 */
import { MisuseError } from '@holdfast/kernel';
import type { Database, Outcome, PostgresJs, Session } from './database.js';
import { unavailable } from './failures.js';

interface Query extends Promise<unknown> {
  handler?: ((query: Query) => void) & { debug?: unknown };
  reject?(error: unknown): void;
  values(): Promise<unknown>;
}

interface Connection {
  onclose: ((error: Error) => void) | null;
}

interface Reserved {
  (...args: unknown[]): unknown;
  unsafe(text: string, args?: unknown[], options?: object): Query;
  file(...args: unknown[]): Query;
  release(): void;
}

interface Rows extends ReadonlyArray<readonly unknown[]> {
  readonly command: string;
}

export const fromPostgresJs = <Tx>(sql: PostgresJs): Database<Tx> => ({
  async open() {
    return new ReservedSession<Tx>((await sql.reserve()) as Reserved);
  },
});

class ReservedSession<Tx> implements Session<Tx> {
  readonly tx: Tx;
  readonly #reserved: Reserved;
  #connection: Connection | undefined;
  #lost: Error | undefined;
  #over = false;

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
    this.tx = this.#transaction() as Tx;
  }

  async run(text: string): Promise<readonly Outcome[]> {
    const query = this.#watched(this.#reserved.unsafe(text, [], { onexecute: this.#watch }));
    const answer = (await query.values()) as Rows | readonly Rows[];
    if (this.#connection === undefined) {
      throw new MisuseError(
        'This version of postgres.js cannot be guarded; use a 3.4 release from 3.4.5 on, or pg.',
      );
    }
    const all = 'command' in answer ? [answer] : answer;
    return all.map((rows) => ({ command: rows.command, rows: [...rows] }));
  }

  release(): void {
    this.#over = true;
    if (this.#lost !== undefined) return; // the library has taken the connection back already
    if (this.#connection) this.#connection.onclose = null;
    this.#reserved.release();
  }

  /** Called by the library with the connection that a statement goes to, before anything is answered. */
  readonly #watch = (connection: Connection): boolean => {
    this.#connection = connection;
    connection.onclose = (error) => {
      this.#lost = error;
    };
    return true;
  };

  /** The same query, which is carried out only while the transaction lasts. */
  #watched<Value>(value: Value): Value {
    const query = value as Query;
    const { handler } = query;
    if (typeof handler !== 'function') return value; // a part of a query
    const checked = (asked: Query): void => {
      const error = this.#refusal();
      if (error) asked.reject?.(error);
      else handler(asked);
    };
    query.handler = Object.assign(checked, { debug: handler.debug });
    return value;
  }

  #refusal(): Error | undefined {
    if (this.#lost)
      return unavailable('The connection was lost; nothing of the transaction was committed', this.#lost);
    return this.#over
      ? new MisuseError('The transaction is over; await each of its queries inside.')
      : undefined;
  }

  #transaction(): object {
    const reserved = this.#reserved;
    let savepoints = 0;
    const savepoint = async (...args: unknown[]): Promise<unknown> => {
      const work = args.at(-1) as (tx: unknown) => unknown;
      const name = `holdfast_${++savepoints}`;
      await this.run(`SAVEPOINT ${name}`);
      try {
        const result = await work(this.tx);
        return Array.isArray(result) ? await Promise.all(result) : result;
      } catch (error) {
        await this.run(`ROLLBACK TO ${name}`);
        throw error;
      }
    };
    const own: Readonly<Record<string | symbol, unknown>> = {
      savepoint,
      unsafe: (...args: Parameters<Reserved['unsafe']>) => this.#watched(reserved.unsafe(...args)),
      file: (...args: unknown[]) => this.#watched(reserved.file(...args)),
      release: undefined,
    };
    return new Proxy(reserved, {
      apply: (target, _, args) => this.#watched(target(...args)),
      get: (target, key) => (key in own ? own[key] : Reflect.get(target, key)),
    });
  }
}
