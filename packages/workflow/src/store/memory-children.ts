/**
 * The children of the runs of a partition in memory: what lua/children.lua does. For tests of workflows only.
 */
import type { Effect } from './store.js';

/** What it needs of the partition. */
export interface ChildrenHost {
  readonly isLive: (run: string) => boolean;
  readonly generationOf: (run: string) => string | undefined;
  /** Of the journal that counts. */
  readonly last: (run: string) => string | undefined;
  readonly begin: (child: Effect & { word: 'child' }, priority: number) => void;
  /** Into the journal that counts, of a run that is not over. */
  readonly deliver: (run: string, record: string) => void;
  readonly mail: (mailbox: string, text: string) => void;
}

export class MemoryChildren {
  readonly #host: ChildrenHost;
  /** Whom the end of a child is told to: "<parent>.<generation> <place>". */
  readonly #parents = new Map<string, string>();

  constructor(host: ChildrenHost) {
    this.#host = host;
  }

  /** `append`: to the journal of the parent, in whose commit it is. */
  carryOut(
    effect: Exclude<Effect, { word: 'write' }>,
    priority: number,
    append: (record: string) => void,
  ): void {
    if (effect.word === 'mail') {
      this.#host.mail(effect.mailbox, effect.text);
      return;
    }
    const { run } = effect;
    const isLive = this.#host.isLive(run);
    if (effect.word === 'tell') {
      if (isLive) this.#host.deliver(run, effect.record);
    } else if (this.#host.generationOf(run) === undefined) {
      this.#parents.set(run, effect.parent);
      this.#host.begin(effect, priority);
    } else if (isLive) {
      this.#parents.set(run, effect.parent);
    } else {
      append(overRecord(effect.parent.split(' ')[1] ?? '', this.#host.last(run) ?? ''));
    }
  }

  /** Tells all that a journal has begun, but for those that go on without their parent. */
  tellAll(journal: readonly string[], record: string): void {
    for (const text of journal.filter((each) => each.startsWith('C '))) {
      const { run, abandoned } = JSON.parse(text.slice(text.indexOf('\n'))) as {
        run: string;
        abandoned?: true;
      };
      if (!abandoned && this.#host.isLive(run)) this.#host.deliver(run, record);
    }
  }

  /** A run is over. */
  ended(run: string, last: string): void {
    const [parent = '', place = ''] = (this.#parents.get(run) ?? '').split(' ');
    this.#parents.delete(run);
    const at = parent.lastIndexOf('.');
    const [name, generation] = [parent.slice(0, at), parent.slice(at + 1)];
    if (!this.#host.isLive(name) || this.#host.generationOf(name) !== generation) return;
    this.#host.deliver(name, overRecord(place, last));
  }
}

const overRecord = (place: string, last: string): string => `D ${place}${last.slice(last.indexOf('\n'))}`;
