/**
 * The part of a text that says most about a query: the window of words with the most, and the rarest, of its terms.
 *
 * Guarantees: the snippet is a part of the text as it is; the marks are where the words of the query stand in the snippet.
 */
import { readOptions, whole, withDefault } from '@holdfast/kernel';
import type { Token } from './tokenizer.js';

export interface SnippetOptions {
  /** Most words, without stop words, 3 to 1000. Default 30. */
  readonly words?: number;
}

export interface Snippet {
  readonly text: string;
  /** Where it stands in the whole text. */
  readonly start: number;
  readonly end: number;
  /** In the snippet: the words that match, in their order. */
  readonly marks: readonly { readonly start: number; readonly end: number }[];
}

/** What another occurrence of a term counts, of what the first one does. */
const REPEATED = 0.1;

export interface SnippetParts {
  readonly text: string;
  readonly tokens: readonly Token[];
  /** How much each term of the query counts. */
  readonly weights: ReadonlyMap<string, number>;
}

/** Throws MisuseError. */
export function snippetOf({ text, tokens, weights }: SnippetParts, options: SnippetOptions): Snippet {
  const { words } = readOptions('snippet', options, { words: withDefault(whole(3, 1_000), 30) });
  const from = bestWindow(tokens, weights, words);
  const to = Math.min(from + words, tokens.length);
  const start = from === 0 ? 0 : tokens[from]!.start;
  const end = to >= tokens.length ? text.length : tokens[to - 1]!.end;
  const marks = tokens
    .slice(from, to)
    .filter(({ term }) => weights.has(term))
    .map((token) => ({ start: token.start - start, end: token.end - start }));
  return { text: text.slice(start, end), start, end, marks };
}

/** The first token of the best window; among equal ones, of that whose words stand in its middle. */
function bestWindow(tokens: readonly Token[], weights: ReadonlyMap<string, number>, words: number): number {
  const counts = new Map<string, number>();
  let score = 0;
  const change = (token: Token | undefined, by: 1 | -1): void => {
    const weight = token && weights.get(token.term);
    if (token === undefined || weight === undefined) return;
    const count = counts.get(token.term) ?? 0;
    counts.set(token.term, count + by);
    score += by * weight * ((by === 1 ? count : count - 1) === 0 ? 1 : REPEATED);
  };
  let best = { score: 1e-9, first: 0, last: 0 };
  for (let at = 0; at < tokens.length; at++) {
    change(tokens[at], 1);
    change(tokens[at - words], -1);
    if (score > best.score + 1e-9) best = { score, first: Math.max(0, at - words + 1), last: at };
  }
  // The best window ends with a match: as many words after its matches as before them.
  const matching = tokens.findIndex(({ term }, at) => at >= best.first && weights.has(term));
  if (matching < 0 || matching > best.last) return 0;
  const slack = words - (best.last - matching + 1);
  return Math.max(0, Math.min(matching - Math.floor(slack / 2), tokens.length - words));
}
