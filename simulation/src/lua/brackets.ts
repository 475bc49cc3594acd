/**
 * Whether a call stands in brackets of its own, `(f())`, and so gives one value only: the parser does not tell.
 */
import type { Expression } from 'luaparse';

const KEYWORDS = new Set([
  'and',
  'or',
  'not',
  'return',
  'if',
  'elseif',
  'while',
  'until',
  'in',
  'then',
  'do',
]);

/** Before a bracket, as far as it is looked at: longer than all keywords. */
const LOOKED_AT = 20;

/** `text` is what was parsed, with ranges. */
export function isBracketed(text: string, node: Expression): boolean {
  const [from, to] = (node as { range?: [number, number] }).range ?? [0, 0];
  const before = text.slice(Math.max(0, from - LOOKED_AT), from).trimEnd();
  if (!before.endsWith('(') || !/^\s*\)/.test(text.slice(to, to + LOOKED_AT))) return false;
  // Else the bracket is that of a call, with the node as its only argument.
  const caller = before.slice(0, -1).trimEnd();
  const word = /[A-Za-z_]\w*$/.exec(caller)?.[0];
  return word === undefined ? !/[)\]}"']$/.test(caller) : KEYWORDS.has(word);
}
