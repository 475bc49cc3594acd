/** Those who have a token: of two issuers, whose tokens rise each for itself, of one for deletions by a filter, and of one for builders. */
import { createHash } from 'node:crypto';
import type { TokenHolder } from '@holdfast/kernel';
import type { FilterName } from './names.js';

export type IssuerName = 'one' | 'two' | 'sweeps' | 'builders';

export class Holders {
  readonly #last = { one: 100, two: 100, sweeps: 100, builders: 100 };
  /** What each deletion by a filter is to delete, by its token. */
  readonly #filters = new Map<number, FilterName>();

  next(issuer: IssuerName): TokenHolder {
    this.#last[issuer] += 1;
    return holderOf(issuer, this.#last[issuer]);
  }

  sweep(filter: FilterName): TokenHolder {
    const holder = this.next('sweeps');
    this.#filters.set(holder.token, filter);
    return holder;
  }

  /** `name` is what the index has of an issuer: eight bytes, one character each. */
  filterOf(name: string, token: number): FilterName | undefined {
    return name === nameOf('sweeps') ? this.#filters.get(token) : undefined;
  }
}

export const nameOf = (issuer: IssuerName): string =>
  createHash('sha256').update(issuer).digest().subarray(0, 8).toString('latin1');

const holderOf = (issuer: IssuerName, token: number): TokenHolder => ({
  ...{ token, issuer, resource: 'documents', signal: new AbortController().signal },
});
