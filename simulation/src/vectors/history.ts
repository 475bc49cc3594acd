/**
 * What documents were, one state after the other, as the server has stored them: of each epoch by itself, because a server
 * that forgets goes on from what it remembers.
 */
import { type Attributes, attributesOf, type Stored } from './names.js';

export interface State extends Stored {
  readonly id: string;
  /** Undefined for a deletion. */
  readonly attributes: Attributes | undefined;
}

export const stateOf = (id: string, stored: Stored): State => ({
  ...stored,
  id,
  attributes: stored.isDeletion ? undefined : attributesOf(stored.body),
});

export class History {
  /** The present epoch; empty before the first. */
  epoch = '';
  readonly #epochs = new Map<string, Map<string, State[]>>();
  /** States by the number of the write that they are of. */
  readonly #written = new Map<number, State[]>();
  /** The highest token that a document was ever written under, by issuer and id. */
  readonly #tokens = new Map<string, number>();

  /** Whether there was such an epoch before. */
  has(epoch: string): boolean {
    return this.#epochs.has(epoch);
  }

  /** Another epoch has begun, in which the server remembers these. */
  begin(epoch: string, states: Iterable<State>): void {
    this.epoch = epoch;
    this.#epochs.set(epoch, new Map());
    for (const state of states) this.#note(state);
  }

  /** The server has stored a state. */
  add(state: State): void {
    this.#note(state);
    const key = `${state.issuer} ${state.id}`;
    this.#tokens.set(key, Math.max(state.token, this.#tokens.get(key) ?? 0));
    const { attributes } = state;
    if (attributes) this.#written.set(attributes.n, [...(this.#written.get(attributes.n) ?? []), state]);
  }

  /** In the order in which they were stored. */
  of(epoch: string, id: string): readonly State[] {
    return this.#epochs.get(epoch)?.get(id) ?? [];
  }

  /** In whatever epoch. */
  writtenAs(n: number): readonly State[] {
    return this.#written.get(n) ?? [];
  }

  highestToken(id: string, issuer: string): number {
    return this.#tokens.get(`${issuer} ${id}`) ?? 0;
  }

  #note(state: State): void {
    const ids = this.#epochs.get(this.epoch);
    ids?.set(state.id, [...(ids.get(state.id) ?? []), state]);
  }
}
