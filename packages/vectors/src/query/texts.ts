/**
 * The texts of documents, which are in Redis only, and the parts of them that say most about a query.
 *
 * Guarantees: a text is that of the document as this process knows it; undefined if the document was changed meanwhile, or has none.
 */
import type { KeywordIndex, Text } from '../keywords/keyword-index.js';
import type { WordsPlan } from '../keywords/plan.js';
import type { SnippetOptions } from '../keywords/snippet.js';
import { readBody, readDocument } from '../truth/record.js';
import type { Truth } from '../truth/truth.js';
import type { FoundSnippet } from './results.js';

/** Documents that are read at a time. */
const AT_ONCE = 256;

export class Texts {
  readonly #truth: Truth;
  readonly #keywords: KeywordIndex | undefined;

  constructor(truth: Truth, keywords: KeywordIndex | undefined) {
    this.#truth = truth;
    this.#keywords = keywords;
  }

  /** Those of documents as they were at these sequences. Throws UnavailableError. */
  async of(
    known: readonly { readonly id: string; readonly sequence: number }[],
  ): Promise<(Text | undefined)[]> {
    const texts: (Text | undefined)[] = [];
    for (let from = 0; from < known.length; from += AT_ONCE) {
      const some = known.slice(from, from + AT_ONCE);
      const ids = some.map(({ id }) => id);
      for (const [at, { document: bytes }] of (await this.#truth.fetch(ids, [])).entries()) {
        const document = bytes === null ? undefined : readDocument(bytes);
        texts.push(
          document?.sequence === some[at]?.sequence ? document && readBody(document.body)?.text : undefined,
        );
      }
    }
    return texts;
  }

  /** Of a text of several fields, that of the field with the most words of the query. */
  snippet(text: Text, plan: WordsPlan, options: SnippetOptions): FoundSnippet | undefined {
    const parts = typeof text === 'string' ? [[undefined, text] as const] : Object.entries(text);
    const all = parts.flatMap(([field, part]): FoundSnippet[] =>
      this.#keywords ? [{ ...this.#keywords.mark(part, plan, options), field }] : [],
    );
    return all.sort((one, other) => other.marks.length - one.marks.length)[0];
  }
}
