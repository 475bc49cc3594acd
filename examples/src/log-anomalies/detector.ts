/**
 * Finds lines of a log that are like nothing that was seen in the last hours: a line whose meaning is far from that of every line
 * in the window is an alert.
 *
 * What differs between lines of one kind, such as numbers and ids, is masked; equal lines are one document, which each of them
 * renews, and which is gone when none has come for as long as the window. Several detectors may share an index: what one of
 * them has seen is known to all.
 */
import { createHash } from 'node:crypto';
import type { Embedder, VectorIndex } from '@holdfast/vectors';

export interface DetectorParts {
  readonly seen: VectorIndex;
  readonly embedder: Pick<Embedder, 'embed'>;
  /** For how long a line is remembered, in ms. */
  readonly window: number;
  /** A line is an alert if the cosine to the nearest one is lower. */
  readonly threshold: number;
}

export interface Alert {
  readonly text: string;
  /** The cosine to the nearest line that was seen, and that line; undefined if there is none. */
  readonly score: number | undefined;
  readonly nearest: string | undefined;
}

export class Detector {
  readonly #parts: DetectorParts;
  /** Of the last write: what comes is compared with all that was written. */
  #place: string | undefined;

  constructor(parts: DetectorParts) {
    this.#parts = parts;
  }

  /** Lines in the order in which they came. Tells those that are alerts, and remembers all. */
  async take(lines: readonly string[]): Promise<Alert[]> {
    const { seen, embedder, window } = this.#parts;
    const kinds = new Map(lines.map((text) => [kindOf(text), text]));
    const vectors = await embedder.embed([...kinds.keys()]);
    const documents = [...kinds].map(([kind, text], n) => ({
      id: createHash('sha256').update(kind).digest('base64url'),
      vector: vectors[n] as Float32Array,
      attributes: { text },
    }));
    const after = this.#place === undefined ? {} : { after: this.#place };
    const alerts: Alert[] = [];
    for (const { id, vector, attributes } of documents) {
      const isKnown = (await seen.get(id, after)) !== undefined;
      const alert = isKnown ? undefined : await this.#judge(attributes.text, vector);
      if (alert) alerts.push(alert);
    }
    const written = await Promise.all(documents.map((each) => seen.put(each, { ttl: window })));
    this.#place = written.at(-1)?.place ?? this.#place;
    return alerts;
  }

  async #judge(text: string, vector: Float32Array): Promise<Alert | undefined> {
    const { seen, threshold } = this.#parts;
    const { hits } = await seen.search({ vector, limit: 1 });
    const [nearest] = hits;
    if (nearest && nearest.score >= threshold) return undefined;
    return { text, score: nearest?.score, nearest: nearest && String(nearest.attributes['text']) };
  }
}

/** A line without what differs from one of its kind to the next. */
export const kindOf = (text: string): string =>
  text
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{6,}\b/g, 'id')
    .replace(/\d+(?:[.:]\d+)*/g, '0')
    .trim();
