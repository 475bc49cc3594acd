/**
 * Connections of `pg`: from a Pool, or one Client that the user shares.
 *
 * Guarantees: a connection that was lost is never used again; a loss while nothing is asked does not end the program.
 * On a Client, one transaction waits for the other.
 */
import type { Database, Outcome, PgClient, PgPool, Session } from './database.js';

interface Result {
  readonly command: string;
  readonly rows: readonly (readonly unknown[])[];
}

interface Connection {
  query(query: { text: string; rowMode: 'array' }): Promise<Result | readonly Result[]>;
  on(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
}

interface PoolConnection extends Connection {
  release(error?: Error): void;
}

const ignore = (): void => {}; // the next statement on the connection rejects

const session = <Tx>(connection: Connection, release: (error?: Error) => void): Session<Tx> => {
  connection.on('error', ignore);
  return {
    tx: connection as Tx,
    async run(text): Promise<readonly Outcome[]> {
      const results = await connection.query({ text, rowMode: 'array' });
      return Array.isArray(results) ? results : [results as Result];
    },
    release(error) {
      release(error);
      connection.removeListener('error', ignore);
    },
  };
};

export const fromPool = <Tx>(pool: PgPool): Database<Tx> => ({
  async open() {
    const connection = (await pool.connect()) as PoolConnection;
    return session(connection, (error) => connection.release(error));
  },
});

export function fromClient<Tx>(client: PgClient): Database<Tx> {
  let last: Promise<void> = Promise.resolve();
  return {
    async open() {
      const before = last;
      const { promise, resolve } = turn();
      last = promise;
      await before;
      return session(client as unknown as Connection, resolve);
    },
  };
}

function turn(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
