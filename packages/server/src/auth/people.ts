/**
 * People and programs with tokens of an issuer: who they are, and what their groups may do here.
 *
 * Guarantees: a token gives no scope that the file of groups does not name: the file is the ceiling. It is read again when its
 * content changes, also for those that are signed in. Subjects are the issuer's, and never those of a key.
 */
import { createHash } from 'node:crypto';
import { type Clock, MisuseError } from '@holdfast/kernel';
import { z } from 'zod';
import { type Limits, quotasSchema } from '../quotas/limits.js';
import { type Caller, callerOf } from './caller.js';
import { type Claims, Issuer } from './issuer.js';
import { PolledFile } from './polled-file.js';
import { readScope, type Scope } from './scopes.js';

const FILE = z.strictObject({
  /** The claim that has the groups: a list, or text with spaces between. */
  claim: z.string().min(1).max(100).default('groups'),
  /** The scopes of each group. */
  groups: z.record(z.string(), z.array(z.string()).max(200)),
  /** The scopes of everybody whose token is good. */
  everybody: z.array(z.string()).max(200).default([]),
  /** How much each of them may have stored and held. */
  quotas: quotasSchema.optional(),
});

interface Groups {
  readonly claim: string;
  readonly groups: ReadonlyMap<string, readonly Scope[]>;
  readonly everybody: readonly Scope[];
  readonly quotas: Limits | undefined;
}

export interface PeopleOptions {
  readonly issuer: string;
  /** For whom tokens are that programs show. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** The file of groups. */
  readonly groups: string;
}

/** Somebody, as a session keeps it. */
export interface Person {
  readonly sub: string;
  /** Those that the file names. */
  readonly groups: readonly string[];
}

export class People {
  readonly issuer: Issuer;
  readonly #options: PeopleOptions;
  readonly #file: PolledFile<Groups>;

  /** Rejects with MisuseError for a file that cannot be read or is wrong. */
  static async open(options: PeopleOptions, clock: Clock): Promise<People> {
    const issuer = new Issuer({ ...options, clock });
    const file = await PolledFile.open({
      what: 'The groups',
      path: options.groups,
      clock,
      parse: readGroups,
    });
    return new People(options, issuer, file);
  }

  private constructor(options: PeopleOptions, issuer: Issuer, file: PolledFile<Groups>) {
    this.issuer = issuer;
    this.#options = options;
    this.#file = file;
  }

  /** Why the file could not be read when it was last looked at; undefined if it could. */
  get problem(): string | undefined {
    return this.#file.problem;
  }

  /** Who shows this token. Throws UnauthenticatedError, UnavailableError. */
  async authenticate(token: string): Promise<Caller> {
    return this.callerOf(this.personOf(await this.issuer.verify(token, this.#options.audience)));
  }

  /** Whom a token is about. */
  personOf(claims: Claims): Person {
    const { claim, groups } = this.#file.content;
    const value = claims[claim];
    const listed = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
    const known = new Set(listed.filter((group): group is string => groups.has(group)));
    return { sub: claims.sub, groups: [...known].sort() };
  }

  /** What somebody may do now. */
  callerOf({ sub, groups: of }: Person): Caller {
    const { groups, everybody, quotas } = this.#file.content;
    const scopes = [...everybody, ...of.flatMap((group) => groups.get(group) ?? [])];
    const viewer = createHash('sha256')
      .update(JSON.stringify([sub, scopes]))
      .digest('base64url');
    const subject = `${this.#options.issuer}#${sub}`;
    return callerOf({ subject, keyId: undefined, viewer, scopes, quotas });
  }

  close(): void {
    this.#file.close();
  }
}

/** Throws for a file that is wrong anywhere. */
function readGroups(text: string): Groups {
  const parsed = FILE.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new MisuseError(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { claim, groups, everybody, quotas } = parsed.data;
  return {
    claim,
    groups: new Map(Object.entries(groups).map(([group, scopes]) => [group, scopes.map(readScope)])),
    everybody: everybody.map(readScope),
    quotas,
  };
}
