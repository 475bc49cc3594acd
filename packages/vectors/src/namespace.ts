/**
 * Documents of one tenant in an index in Redis, apart from those of all others.
 *
 * Its documents have the attribute `namespace`, which the schema declares as a tag, and ids that begin with it: the same id in two
 * namespaces is two documents. The index itself sees those of all, under these ids.
 *
 * Guarantees: whatever is read or deleted through a namespace is of it, and has the ids that were given there. That separates
 * programs that go through it; it gives nobody rights, and how rare a word is counts over all documents of the index.
 */
import { display, MisuseError } from '@holdfast/kernel';
import type { Schema } from './attributes/columns.js';
import type { Text } from './keywords/keyword-index.js';
import type { Filter } from './query/filter.js';
import type { Deleted, FoundDocument, Results, Scrolled, StoredDocument } from './query/results.js';
import type { Attributes } from './truth/record.js';
import type {
  DeleteOptions,
  FindOptions,
  GetOptions,
  PatchOptions,
  PutOptions,
  ScrollOptions,
  SelectOptions,
} from './vector-index-options.js';
import { type Document, requireId } from './write/document.js';
import type { Patched, Written } from './write/writer.js';

/** The attribute that says of which namespace a document is. */
const ATTRIBUTE = 'namespace';
/** Of the name of a namespace, in bytes. */
const MOST = 64;

/** What an index and each of its namespaces do with documents. */
interface Documents {
  put(document: Document, options?: PutOptions): Promise<Written>;
  patch(id: string, attributes: Attributes, options?: PatchOptions): Promise<Patched>;
  delete(id: string, options?: DeleteOptions): Promise<Written>;
  deleteAll(select: SelectOptions & { readonly filter: Filter }, options?: DeleteOptions): Promise<Deleted>;
  search(options: FindOptions): Promise<Results>;
  get(
    id: string,
    options?: GetOptions,
  ): Promise<(StoredDocument & { readonly text?: Text | undefined }) | undefined>;
  count(options?: SelectOptions): Promise<number>;
  scroll(options?: ScrollOptions): Promise<Scrolled>;
}

export class IndexNamespace implements Documents {
  readonly name: string;
  readonly #index: Documents;
  readonly #beginning: string;

  /** Use `namespace()` of an index. */
  constructor(index: Documents, schema: Schema, name: string) {
    if (schema[ATTRIBUTE] !== 'tag') {
      throw new MisuseError(
        `Namespaces need the attribute "${ATTRIBUTE}" in the schema of the index; give createIndex() a schema with { ${ATTRIBUTE}: 'tag' }.`,
      );
    }
    if (typeof name !== 'string' || name === '' || Buffer.byteLength(name) > MOST)
      throw new MisuseError(`The name of a namespace is a text of 1 to ${MOST} bytes; got ${display(name)}.`);
    this.name = name;
    this.#index = index;
    // The length comes first, so that no name and id are those of another name.
    this.#beginning = `${name.length}:${name}`;
  }

  /** As `put` of the index. An id has 256 bytes together with the name, and up to 3 for its length. */
  async put(document: Document, options?: PutOptions): Promise<Written> {
    const { id, attributes = {} } = Object(document) as Document;
    requireApart(attributes);
    const own = { ...attributes, [ATTRIBUTE]: this.name };
    return this.#index.put({ ...document, id: this.#joined(id), attributes: own }, options);
  }

  async patch(id: string, attributes: Attributes, options?: PatchOptions): Promise<Patched> {
    requireApart(attributes);
    return this.#index.patch(this.#joined(id), attributes, options);
  }

  async delete(id: string, options?: DeleteOptions): Promise<Written> {
    return this.#index.delete(this.#joined(id), options);
  }

  /** As `deleteAll` of the index; a filter of {} is all of the namespace. */
  async deleteAll(
    select: SelectOptions & { readonly filter: Filter },
    options?: DeleteOptions,
  ): Promise<Deleted> {
    const isNone = Object(select).filter === undefined; // which the index refuses
    return this.#index.deleteAll(
      isNone ? select : { ...select, filter: this.#within(select.filter) },
      options,
    );
  }

  async search(options: FindOptions): Promise<Results> {
    const { rerank } = Object(options) as FindOptions;
    const by = rerank?.by;
    const own = typeof by === 'function' && {
      rerank: {
        ...rerank,
        by: (query: string, hits: readonly FoundDocument[], signal: AbortSignal) =>
          by(
            query,
            hits.map((hit) => this.#own(hit)),
            signal,
          ),
      },
    };
    const found = await this.#index.search({ ...options, ...own, filter: this.#within(options?.filter) });
    return { ...found, hits: found.hits.map((hit) => this.#own(hit)) };
  }

  async get(id: string, options?: GetOptions): ReturnType<Documents['get']> {
    const found = await this.#index.get(this.#joined(id), options);
    return found && this.#own(found);
  }

  async count(options: SelectOptions = {}): Promise<number> {
    return this.#index.count({ ...options, filter: this.#within(options.filter) });
  }

  async scroll(options: ScrollOptions = {}): Promise<Scrolled> {
    const page = await this.#index.scroll({ ...options, filter: this.#within(options.filter) });
    return { ...page, documents: page.documents.map((each) => this.#own(each)) };
  }

  #joined(id: string): string {
    return this.#beginning + requireId(id);
  }

  #within(filter: Filter | undefined): Filter {
    const own = { [ATTRIBUTE]: this.name };
    return filter === undefined ? own : { and: [own, filter] };
  }

  #own<T extends StoredDocument>(document: T): T {
    const { [ATTRIBUTE]: _, ...attributes } = document.attributes;
    return { ...document, id: document.id.slice(this.#beginning.length), attributes };
  }
}

function requireApart(attributes: unknown): void {
  if (typeof attributes !== 'object' || attributes === null || !Object.hasOwn(attributes, ATTRIBUTE)) return;
  throw new MisuseError(
    `A document of a namespace is given its attribute "${ATTRIBUTE}" there; leave it out, or put the document by the index itself.`,
  );
}
