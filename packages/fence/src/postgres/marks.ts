/**
 * The table of marks: its SQL as text, and the meaning of its answers. Pure.
 *
 * Guarantees: names and values are quoted here and nowhere else. Tokens travel as text, so that they stay exact
 * whatever parser the user's library has for `bigint`.
 *
 * The table has one row for each resource: the token and its issuer (NULL in a row of an earlier version, which any
 * issuer may take over). Under the empty name, which no resource has, it has its record: the highest token that might
 * have been accepted before the table was created. A table that was emptied has no record, and is noticed by that.
 */
import {
  display,
  MisuseError,
  optional,
  type Readers,
  readOptions,
  requireName,
  type Settings,
  type TokenClaim,
  withDefault,
} from '@holdfast/kernel';
import { tokenWindow } from '../guard.js';
import type { GuardMark } from '../refused.js';

export interface MarksTable {
  /** Default "holdfast_marks". At most 57 bytes. */
  readonly table?: string;
  /** Where the table is. Default: the first schema of the connection's search_path. */
  readonly schema?: string;
  /** How far a token may be from a clock, in ms: no less than the `window` of the locks. Default 5000. */
  readonly window?: number;
}

/** PostgreSQL's 63, less the characters that the name of the function has more. */
const MOST_BYTES = 57;

export const MARKS = {
  table: withDefault(identifier, 'holdfast_marks'),
  schema: optional(identifier),
  window: tokenWindow,
} satisfies Readers<MarksTable>;

/** PostgreSQL's answer to a raise; a number is the highest token that its clock lets it accept. */
export type Raised = 'raised' | 'first' | 'refused' | number;

/** The mark of a resource and the record of the table, as far as they exist. */
export interface Memory {
  readonly mark?: GuardMark;
  readonly record?: number;
}

export class Marks {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly #raising: string;
  readonly #window: number;

  constructor({ table, schema, window }: Settings<typeof MARKS>) {
    const prefix = schema === undefined ? '' : `${quoted(schema)}.`;
    this.name = prefix + quoted(table);
    this.#raising = `${prefix}${quoted(`${table}_raise`)}`;
    this.#window = window;
  }

  /**
   * One row with the previous mark ('0': there was none), null if the mark is higher or of another issuer, or "ahead
   * <highest>". Takes the lock on the mark, for which it waits `timeout` ms; undefined: as the server says.
   */
  raise({ resource, token, issuer }: TokenClaim, timeout: number | undefined): string {
    const values = [literal(resource), token, literal(issuer), 2_000 * this.#window, timeout ?? 'NULL'];
    return `SELECT ${this.#raising}(${values.join(', ')})`;
  }

  /** The query whose answer `memoryOf` reads. */
  remember(resource: string): string {
    return `SELECT resource, token::text, issuer FROM ${this.name} WHERE resource IN ('', ${literal(resource)})`;
  }

  /**
   * Replaces the mark `seen` of another issuer by one that any issuer may take over; one row if it is still that one.
   */
  free(resource: string, { token, issuer }: GuardMark): string {
    return (
      `UPDATE ${this.name} SET token = 1, issuer = NULL WHERE resource = ${literal(resource)} ` +
      `AND token = ${token} AND issuer = ${literal(issuer ?? '')} RETURNING resource`
    );
  }

  /** Creates the table and its record if they are missing; for use inside a transaction. */
  migration(): string {
    return `-- Serialises concurrent migrations until the transaction ends.
SELECT pg_advisory_xact_lock(5209580317464187);
-- The highest fencing token that was accepted for each resource. Written by @holdfast/fence/postgres.
CREATE TABLE IF NOT EXISTS ${this.name} (
  resource text COLLATE "C" PRIMARY KEY,
  token bigint NOT NULL CHECK (token BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER}),
  previous bigint NOT NULL DEFAULT 0,
  issuer text
) WITH (fillfactor = 50);
-- A table of before has no issuers, and a function that does not ask for them.
DO $migrate$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = ${literal(this.name)}::regclass AND attname = 'issuer') THEN
    ALTER TABLE ${this.name} ADD COLUMN issuer text;
    DROP FUNCTION IF EXISTS ${this.#raising}(text, bigint, integer);
  END IF;
END $migrate$;
-- The record: tokens that may have been issued before this table existed are refused.
INSERT INTO ${this.name} (resource, token)
VALUES ('', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + ${2 * this.#window * 1_000})
ON CONFLICT (resource) DO NOTHING;
-- Raises a mark: the token before, 0 where there was none, NULL where it is higher or of another issuer, or "ahead" and
-- the highest token that may be. A function, so that its plan is kept.
CREATE OR REPLACE FUNCTION ${this.#raising}(
  of_resource text, to_token bigint, of_issuer text, ahead_us bigint, wait_ms integer
) RETURNS text
LANGUAGE plpgsql AS $raise$
DECLARE
  usual text;
  before text;
  highest bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + ahead_us;
BEGIN
  IF to_token > highest THEN RETURN 'ahead ' || highest; END IF;
  IF wait_ms IS NOT NULL THEN
    usual := current_setting('lock_timeout');
    PERFORM set_config('lock_timeout', wait_ms::text, true);
  END IF;
  UPDATE ${this.name} AS m SET token = to_token, previous = m.token, issuer = of_issuer
  WHERE m.resource = of_resource AND m.token <= to_token AND (m.issuer = of_issuer OR m.issuer IS NULL)
  RETURNING m.previous INTO before;
  IF NOT FOUND THEN
    INSERT INTO ${this.name} AS m (resource, token, issuer) VALUES (of_resource, to_token, of_issuer)
    ON CONFLICT (resource) DO UPDATE SET token = excluded.token, previous = m.token, issuer = excluded.issuer
    WHERE m.token <= excluded.token AND (m.issuer = excluded.issuer OR m.issuer IS NULL)
    RETURNING m.previous INTO before;
  END IF;
  IF wait_ms IS NOT NULL THEN PERFORM set_config('lock_timeout', usual, true); END IF;
  RETURN before;
END $raise$;
`;
  }

  /** Declares that no token was accepted before the table was created. */
  initialization(): string {
    return (
      `INSERT INTO ${this.name} (resource, token) VALUES ('', 0) ` +
      `ON CONFLICT (resource) DO UPDATE SET token = excluded.token`
    );
  }
}

/** The SQL of `guard.migrate()`, for your own migration tool; run it inside a transaction. Throws MisuseError. */
export function postgresMigration(options: MarksTable = {}): string {
  return new Marks(readOptions('postgresMigration', options, MARKS)).migration();
}

function identifier(option: string, value: unknown): string {
  const name = requireName(option, value);
  if (Buffer.byteLength(name) > MOST_BYTES) {
    throw new MisuseError(`${option} has at most ${MOST_BYTES} bytes; got ${display(name)}.`);
  }
  return name;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** `text` as a literal that means the same under every setting of standard_conforming_strings. */
function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

export function raisedBy(rows: readonly (readonly unknown[])[]): Raised {
  const before = rows[0]?.[0] ?? null;
  if (before === null) return 'refused';
  const [word, highest] = String(before).split(' ');
  if (word === 'ahead') return Number(highest);
  return before === '0' ? 'first' : 'raised';
}

export function memoryOf(rows: readonly (readonly unknown[])[]): Memory {
  return Object.fromEntries(
    rows.map(([resource, token, issuer]) =>
      resource === ''
        ? ['record', Number(token)]
        : ['mark', { token: Number(token), issuer: typeof issuer === 'string' ? issuer : undefined }],
    ),
  );
}
