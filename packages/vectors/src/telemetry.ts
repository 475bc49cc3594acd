/**
 * The telemetry of an index in Redis: OpenTelemetry spans and metrics of what is written and searched, and messages on diagnostics
 * channels. What the index holds in this process is reported by observe.ts.
 *
 * Guarantees: without an SDK and without a subscriber nothing is recorded and nothing is kept. Ids, texts, vectors, tokens and errors
 * are in spans and messages, never in the attributes of a metric. What a subscriber throws does not reach the caller.
 */
import { StaleTokenError } from '@holdfast/fence';
import type { Clock } from '@holdfast/kernel';
import { counter, duration, endSpan, errorType, Scope, within } from '@holdfast/telemetry';
import { type Attributes, context as contexts, SpanKind } from '@opentelemetry/api';

/** A message on one of the channels. */
export interface VectorsMessage {
  readonly index: string;
  /** The document that a stale holder wanted to write. */
  readonly id?: string;
  /** The epoch that has begun. */
  readonly epoch?: string;
  readonly error?: unknown;
}

const EVENTS = { refused: 'warn', epoch: 'warn' } as const;
const scope = new Scope<keyof typeof EVENTS, VectorsMessage>({ name: '@holdfast/vectors', events: EVENTS });

const instruments = {
  written: scope.instrument(
    counter('holdfast.vectors.written', '{document}', 'Writes of documents that were answered, by outcome.'),
  ),
  writing: scope.instrument(
    duration('holdfast.vectors.write.duration', 'Duration of a put, patch or delete of a document.'),
  ),
  searching: scope.instrument(
    duration('holdfast.vectors.search.duration', 'Duration of a search, with what it has waited for.'),
  ),
  refused: scope.instrument(
    counter('holdfast.vectors.refused', '{write}', 'Writes that were refused because of a higher token.'),
  ),
  epochs: scope.instrument(
    counter('holdfast.vectors.epochs', '{epoch}', 'Epochs that a follower has met after its first.'),
  ),
};

const ATTRIBUTE = 'holdfast.vectors';

/** The telemetry of one index. */
export class Telemetry {
  readonly #index: string;
  readonly #clock: Clock;

  constructor(index: string, clock: Clock) {
    this.#index = index;
    this.#clock = clock;
  }

  /** A put, patch or delete. */
  async writing<T extends { readonly outcome: string }>(
    word: 'put' | 'patch' | 'delete',
    id: unknown,
    write: () => Promise<T>,
  ): Promise<T> {
    if (!scope.isHeard()) return write();
    const about = { ...this.#about, [`${ATTRIBUTE}.write`]: word };
    try {
      const written = await this.#observe(
        { span: `holdfast.vectors.${word}`, about, attributes: { [`${ATTRIBUTE}.id`]: String(id) } },
        write,
        (taken, attributes) => instruments.writing.record(taken, attributes),
      );
      instruments.written.record(1, { ...about, [`${ATTRIBUTE}.outcome`]: written.outcome });
      return written;
    } catch (error) {
      if (error instanceof StaleTokenError) {
        instruments.refused.record(1, this.#about);
        scope.publish('refused', { index: this.#index, id: String(id), error });
      }
      throw error;
    }
  }

  searching<T>(limit: number, search: () => Promise<T>): Promise<T> {
    if (!scope.isHeard()) return search();
    const attributes = { [`${ATTRIBUTE}.limit`]: limit };
    return this.#observe(
      { span: 'holdfast.vectors.search', about: this.#about, attributes },
      search,
      (taken, of) => instruments.searching.record(taken, of),
    );
  }

  /** The server is another one, or may have forgotten writes. */
  epochBegan(epoch: string): void {
    if (!scope.isHeard()) return;
    instruments.epochs.record(1, this.#about);
    scope.publish('epoch', { index: this.#index, epoch });
  }

  get #about(): Attributes {
    return { [`${ATTRIBUTE}.index`]: this.#index };
  }

  async #observe<T>(
    { span: name, about, attributes }: Readonly<{ span: string; about: Attributes; attributes: Attributes }>,
    work: () => Promise<T>,
    ended: (taken: number, attributes: Attributes) => void,
  ): Promise<T> {
    const parent = contexts.active();
    const span = scope.startSpan(name, {
      attributes: { ...about, ...attributes },
      parent,
      kind: SpanKind.CLIENT,
    });
    const began = this.#clock.now();
    let failure: unknown;
    try {
      return await within(span, parent, work);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      const of = failure === undefined ? about : { ...about, 'error.type': errorType(failure) };
      ended(this.#clock.now() - began, of);
      endSpan(span, failure);
    }
  }
}
