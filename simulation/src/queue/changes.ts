/**
 * Tasks that were changed while they waited: whoever is given one is given what it was changed to.
 *
 * Guarantees: judges what the server has answered, for as long as it forgets nothing.
 */
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';

export class Changes {
  readonly #violate: Violate;
  /** The data of tasks since their last change, by id. */
  readonly #data = new Map<string, string>();

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** The server is about to forget. */
  forgets(): void {
    this.#data.clear();
  }

  /** The server has carried out a call. */
  look({ verb, args }: Call, reply: readonly string[]): void {
    const [id = '', , , , record = ''] = args;
    if (verb === 'change' && reply[0] === 'changed' && record !== '') this.#data.set(id, dataOf(record));
    // Another has this id now, or the same one has other data.
    if (verb === 'put') for (const put of reply) this.#data.delete(put);
    if (verb === 'fan') for (const each of args) this.#data.delete(each);
  }

  /** A worker was given the task that has this id now. */
  delivered(id: string, [field, , record = '']: readonly string[]): void {
    const data = this.#data.get(id);
    if (data === undefined) return;
    const given = field === 'i' ? dataOf(record) : 'what was added';
    if (given !== data) this.#violate('change', `${id} was changed to ${data}, but delivered as ${given}`);
  }
}

const dataOf = (record: string): string => {
  const { d } = JSON.parse(record.slice(record.indexOf('\n') + 1)) as { d: unknown };
  return JSON.stringify(d);
};
