/**
 * Makes a script into a function whose helpers are made once, when its library is loaded, instead of in each call: for a
 * script that stands on many preludes, making them takes as long as all the rest of a short call.
 *
 * The functions and constants at the top level of the script move out of the function, and with them the variables that
 * the functions mention. What sets a variable stays where it is, so each call sets anew what it begins with.
 *
 * Guarantees: the function does what the script does, if that is written as statements.ts says. A variable that is declared
 * twice and that a function mentions cannot move, and Lua has no room for more than some variables: either throws an
 * Error, when the library is made. What a call leaves in the variables stays in the server's memory until the next one;
 * its arguments only if it fails.
 */
import { mostOf, nested, type Statement, statementsOf, usedOf, wordsOf } from './statements.js';

/** The Lua of a function `name(KEYS, ARGV)` with the body of a script, and of what it needs around it. */
export function hoisted(name: string, body: string): string {
  const statements = nested(usedOf(statementsOf(body)));
  const moved = statements.filter(({ moves }) => moves);
  const words = new Set(moved.flatMap(wordsOf));
  const declared = statements.filter(({ moves }) => !moves).flatMap(({ names }) => names);
  const outer = new Set(declared.filter((each) => words.has(each)));
  for (const each of outer) {
    if (declared.indexOf(each) !== declared.lastIndexOf(each))
      throw new Error(`The script "${name}" declares "${each}" twice, and a function uses it: rename one.`);
  }
  const variables = [...new Set(['KEYS', 'ARGV', ...outer])];
  const locals = variables.length + mostOf(moved);
  if (locals > MOST_LOCALS) {
    throw new Error(
      `The script "${name}" has ${locals} variables and functions at its top level; ${MOST_LOCALS} are the most, since Lua allows 200 in all.`,
    );
  }
  const stays = statements.filter(({ moves }) => !moves);
  const isReset = ({ names, value }: Statement): boolean =>
    names.length > 0 && names.every((each) => outer.has(each)) && isBlank(value);
  const resets = inGroups(
    stays
      .filter(isReset)
      .map((statement) => ({ size: statement.names.length, text: callOf(statement, outer) })),
  );
  return [
    'do',
    `local ${variables.join(', ')}`,
    ...resets.map((lines, index) => `local function hoisted_reset${index + 1}()\n${lines.join('\n')}\nend`),
    ...moved.map(({ text }) => text),
    'local function hoisted_run()',
    ...stays.filter((statement) => !isReset(statement)).map((statement) => callOf(statement, outer)),
    'end',
    `${name} = function(hoisted_keys, hoisted_args)`,
    '  KEYS, ARGV = hoisted_keys, hoisted_args',
    ...resets.map((_, index) => `  hoisted_reset${index + 1}()`),
    '  local hoisted_reply = hoisted_run()',
    '  KEYS, ARGV = nil, nil',
    '  return hoisted_reply',
    'end',
    'end',
  ].join('\n');
}

/** At the top level: Lua allows 200, of which the library and what is made here need some. */
const MOST_LOCALS = 190;

/** A function mentions at most 60 variables of those around it: Lua's limit. */
const MOST_VARIABLES = 50;

function inGroups(all: readonly { readonly size: number; readonly text: string }[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const { size, text } of all) {
    if (room < size) {
      groups.push([]);
      room = MOST_VARIABLES;
    }
    groups.at(-1)?.push(text);
    room -= size;
  }
  return groups;
}

/** A statement as each call carries it out: a variable that is declared outside is set. */
function callOf({ text, names, value }: Statement, outer: ReadonlySet<string>): string {
  if (!names.some((each) => outer.has(each))) return text;
  const inner = names.filter((each) => !outer.has(each));
  const declaration = inner.length > 0 ? `local ${inner.join(', ')}\n` : '';
  return `${declaration}${names.join(', ')} = ${value === '' ? 'nil' : value}`;
}

/** What a variable begins with in each call, if that depends on nothing. */
const isBlank = (value: string): boolean =>
  value === '' || value === '{}' || value === 'nil' || /^(\d+|'[^'\n]*')$/.test(value);
