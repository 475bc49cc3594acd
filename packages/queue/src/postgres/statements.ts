/**
 * Statements with parameters, in the libraries that the PostgreSQL guard knows: running them in a transaction of pg or
 * of postgres.js, and opening one.
 */
import type { PgClient, PgPool, PostgresSource } from '@holdfast/fence/postgres';
import { display, MisuseError } from '@holdfast/kernel';

export type Row = Readonly<Record<string, unknown>>;

/**
 * Runs one statement in `tx`: a client or a pool of pg, or a `sql` of postgres.js. Throws MisuseError, and its errors.
 */
export async function run(
  tx: unknown,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const shape = Object(tx) as Partial<PgClient> & {
    unsafe?: (text: string, values: unknown[]) => Promise<Row[]>;
  };
  if (typeof shape.unsafe === 'function') return shape.unsafe(text, [...values]);
  if (typeof shape.query === 'function') return (await shape.query(text, [...values])).rows;
  throw new MisuseError(
    `A transaction is what pg or postgres.js gives: a client, or the sql of begin(); got ${display(tx)}.`,
  );
}

/** Runs `work` in a transaction of its own. */
export async function inTransaction<T>(
  source: PostgresSource,
  work: (tx: unknown) => Promise<T>,
): Promise<T> {
  if ('begin' in source) return source.begin(work) as Promise<T>;
  if (!('totalCount' in source)) return begin(source, work);
  const client = (await (source as PgPool).connect()) as PgClient & { release(error?: Error): void };
  try {
    const result = await begin(client, work);
    client.release();
    return result;
  } catch (error) {
    client.release(error as Error); // it may be broken; it is not used again
    throw error;
  }
}

async function begin<T>(client: PgClient, work: (tx: unknown) => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await Promise.resolve(client.query('ROLLBACK')).catch(() => {}); // the first error tells more
    throw error;
  }
}

/** The name of a table as SQL: quoted, with its schema if it names one. Throws MisuseError. */
export function tableName(option: string, name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$/.test(name)) {
    throw new MisuseError(
      `${option} is the name of a table, of letters, digits and underscores, or schema.name; got ${display(name)}.`,
    );
  }
  return name
    .split('.')
    .map((part) => `"${part}"`)
    .join('.');
}
