/**
 * A script as statements, and how they find room: Lua allows 200 local variables at a time in a function, and a verb that
 * stands on many preludes has more helpers than that.
 *
 * Guarantees: what is left out is mentioned by nothing; a helper that one function alone mentions stands in a block of that
 * function, where it is made as before, once, and takes up no variable behind it. Scripts are written as those of this
 * house are: a statement at the top level begins in the first column, and its further lines are indented or close it;
 * capitals name what never changes.
 */

export interface Statement {
  readonly text: string;
  /** That it declares with `local`, in their order; of a function in a table, that of the table. */
  readonly names: readonly string[];
  /** Behind the equals sign. */
  readonly value: string;
  readonly moves: boolean;
  /** How many variables stand in its block at a time, besides its own. */
  readonly inner: number;
}

/**
 * Without the functions and constants that nothing mentions: preludes have more than one verb needs, and Lua allows 200 local
 * variables at a time in a function.
 */
export function usedOf(statements: readonly Statement[]): readonly Statement[] {
  const used = new Set(statements.filter(({ moves }) => !moves));
  const mentioned = new Set([...used].flatMap(wordsOf));
  const isMentioned = ({ names }: Statement): boolean => names.some((each) => mentioned.has(each));
  for (let size = -1; size < used.size; ) {
    size = used.size;
    for (const statement of statements) {
      if (used.has(statement) || !isMentioned(statement)) continue;
      used.add(statement);
      for (const word of wordsOf(statement)) mentioned.add(word);
    }
  }
  return statements.filter((each) => used.has(each));
}

export const wordsOf = ({ text }: Statement): readonly string[] =>
  withoutStrings(text).match(/[A-Za-z_]\w*/g) ?? [];

/**
 * The same statements with each helper in a block of the function that mentions it, if that is a single one, and helpers of
 * helpers too.
 */
export function nested(statements: readonly Statement[]): readonly Statement[] {
  const declared = statements.flatMap(({ names }) => names);
  const isOnce = (name: string): boolean => declared.indexOf(name) === declared.lastIndexOf(name);
  const users = new Map<string, Statement[]>();
  for (const statement of statements) {
    for (const word of new Set(wordsOf(statement))) users.set(word, [...(users.get(word) ?? []), statement]);
  }
  const helpers = new Map<Statement, Statement[]>();
  for (const statement of statements) {
    const { names, moves } = statement;
    // What is declared twice is not the same before and behind the place where the helper stood.
    if (
      !moves ||
      !isLocal(statement) ||
      !wordsOf(statement).every((word) => isOnce(word) || !declared.includes(word))
    )
      continue;
    const others = new Set(names.flatMap((name) => users.get(name) ?? []));
    others.delete(statement);
    const [user, ...rest] = others;
    if (user && rest.length === 0 && isFunction(user))
      helpers.set(user, [...(helpers.get(user) ?? []), statement]);
  }
  const isHelper = new Set([...helpers.values()].flat());
  return statements.filter((each) => !isHelper.has(each)).map((each) => withHelpers(each, helpers));
}

function withHelpers(user: Statement, all: ReadonlyMap<Statement, readonly Statement[]>): Statement {
  const helpers = (all.get(user) ?? []).map((each) => withHelpers(each, all));
  if (helpers.length === 0) return user;
  const [name] = user.names;
  const made = user.text.replace(/^local function \w+/, `${name} = function`);
  const text = [`local ${name}`, 'do', ...helpers.map((each) => each.text), made, 'end'].join('\n');
  return { ...user, text, inner: mostOf(helpers) };
}

/** How many variables the preludes of a script may have before they are rearranged. */
const MANY = 150;

/** Preludes as they are, or, if they are many, with helpers in blocks; `verb` is what stands on them. */
export function withRoom(preludes: string, verb: string): string {
  const statements = statementsOf(preludes);
  if (mostOf(statements) <= MANY) return preludes;
  const user = { text: verb, names: [], value: '', moves: false, inner: 0 };
  const kept = nested(usedOf([...statements, user]));
  return kept
    .slice(0, -1)
    .map(({ text }) => text)
    .join('\n');
}

/** How many variables statements declare that stand one behind the other, with those of the blocks within, at most at a time. */
export function mostOf(statements: readonly Statement[]): number {
  let [count, most] = [0, 0];
  for (const statement of statements) {
    if (isLocal(statement)) count += statement.names.length;
    most = Math.max(most, count + statement.inner);
  }
  return most;
}

const isLocal = ({ text }: Statement): boolean => text.startsWith('local ');

const isFunction = ({ text }: Statement): boolean => text.startsWith('local function ');

/** A line that goes on with, or closes, what began above it. */
const GOES_ON = /^(\s|end\b|else|until\b|[})\]])/;

export function statementsOf(body: string): readonly Statement[] {
  const groups: string[][] = [];
  for (const line of body.split('\n').map(withoutComment)) {
    if (line.trim() === '') continue;
    const last = groups.at(-1);
    if (last && GOES_ON.test(line)) last.push(line);
    else groups.push([line]);
  }
  return groups.map((lines) => statementOf(lines.join('\n')));
}

function statementOf(text: string): Statement {
  const [, one, other] =
    /^local function (\w+)|^(?:function (?=[A-Z_]+[.:])|(?=[A-Z_]+\[.+\] = function\b))([A-Z_]+)/.exec(
      text,
    ) ?? [];
  const called = one ?? other;
  if (called !== undefined) return { text, names: [called], value: '', moves: true, inner: 0 };
  const [, list = '', value = ''] = /^local ([\w, ]+?)\s*(?:=\s*([\s\S]+))?$/.exec(text) ?? [];
  const names = list.split(',').flatMap((name) => name.trim() || []);
  const moves = names.length > 0 && names.every((name) => /^[A-Z_]+$/.test(name)) && isConstant(value);
  return { text, names, value, moves, inner: 0 };
}

/** A table, a number, a text, or what is computed of numbers. */
const isConstant = (value: string): boolean =>
  value.startsWith('{') || (value !== '' && /^[\d\s,.*+\-/()]+$/.test(withoutStrings(value, '0')));

const withoutComment = (line: string): string => line.replace(/(^|\s)--(\s.*)?$/, '').trimEnd();

const withoutStrings = (text: string, by = ''): string => text.replace(/'[^'\n]*'|"[^"\n]*"/g, by);
