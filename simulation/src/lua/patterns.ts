/**
 * Lua's patterns as regular expressions.
 *
 * Guarantees: a pattern that has no equivalent here (`%b`, `%f`, captures of positions, back references) throws.
 */
import { LuaError } from './values.js';

const CLASSES: Readonly<Record<string, string>> = {
  a: 'A-Za-z',
  d: '0-9',
  l: 'a-z',
  p: '!-\\/:-@\\[-`{-~',
  s: ' \\t-\\r',
  u: 'A-Z',
  w: 'A-Za-z0-9',
  x: '0-9A-Fa-f',
  c: '\\x00-\\x1f\\x7f',
};

const known = new Map<string, RegExp>();

/** With the flag `g`, so that the caller says where to begin. */
export function toRegExp(pattern: string): RegExp {
  const before = known.get(pattern);
  if (before) return before;
  const made = new RegExp(translate(pattern), 'g');
  known.set(pattern, made);
  return made;
}

function translate(pattern: string): string {
  let rest = pattern;
  let out = '';
  const take = (count: number): string => {
    const taken = rest.slice(0, count);
    rest = rest.slice(count);
    return taken;
  };
  if (rest.startsWith('^')) out += take(1);
  while (rest !== '') {
    if (rest.startsWith('()')) throw unsupported(pattern, '()');
    if (rest.startsWith('(') || rest.startsWith(')')) out += take(1);
    else if (rest === '$') out += take(1);
    else {
      out += single(rest, take, pattern);
      if (/^[*+?]/.test(rest)) out += take(1);
      else if (rest.startsWith('-') && take(1)) out += '*?';
    }
  }
  return out;
}

/** One character class. */
function single(rest: string, take: (count: number) => string, pattern: string): string {
  if (rest.startsWith('%')) return escaped(take(2), pattern);
  if (rest.startsWith('[')) return set(take(endOfSet(rest, pattern)), pattern);
  const character = take(1);
  return character === '.' ? '[\\s\\S]' : quote(character);
}

function escaped(item: string, pattern: string): string {
  const letter = item.slice(1);
  if (!/[A-Za-z0-9]/.test(letter)) return quote(letter);
  const within = CLASSES[letter.toLowerCase()];
  if (within === undefined) throw unsupported(pattern, item);
  return letter === letter.toLowerCase() ? `[${within}]` : `[^${within}]`;
}

/** How many characters a set has that begins here. */
function endOfSet(rest: string, pattern: string): number {
  const end = /^\[\^?\]?(?:%[\s\S]|[^\]])*\]/.exec(rest);
  if (end === null) throw new LuaError(`malformed pattern (missing ']'): ${pattern}`);
  return end[0].length;
}

function set(text: string, pattern: string): string {
  const [, not = '', members = ''] = /^\[(\^?)([\s\S]*)\]$/.exec(text) ?? [];
  const translated = members.replaceAll(/%([\s\S])|[\\\]^]/g, (item: string, letter: string | undefined) => {
    if (letter === undefined) return `\\${item}`;
    if (!/[A-Za-z0-9]/.test(letter)) return `\\${letter}`;
    const within = CLASSES[letter];
    if (within === undefined) throw unsupported(pattern, item);
    return within;
  });
  return `[${not}${translated}]`;
}

const quote = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');

const unsupported = (pattern: string, item: string): LuaError =>
  new LuaError(`the pattern "${pattern}" has "${item}", which is not supported here`);
