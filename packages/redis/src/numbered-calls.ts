/**
 * The calls of a session that change its deliveries, and the values that accompany each: its number, by which the
 * server recognizes a late call; the epoch; and the highest token so far. lua/sessions.lua and lua/epoch.lua take them.
 *
 * Guarantees: numbers rise, even across repetitions.
 */

export interface Numbered {
  readonly number: number;
  /** The epoch in which the worker was sure of what it has; '' before the first answer. */
  readonly epoch: string;
  /** The highest token that the worker knows of. */
  readonly highest: number;
  /** Whether an earlier call may have done the same. */
  readonly twice: boolean;
}

/** Resolves to undefined when Redis says that the session is over. */
type Make<Answer> = (numbered: Numbered) => Promise<Answer | undefined>;

interface CallHealth {
  readonly succeeded: () => void;
  readonly failed: (error: unknown) => void;
  /** Pauses before a try, longer with each. */
  readonly pause: (tries: number) => Promise<void>;
}

export class NumberedCalls {
  /** The epoch in which the worker was sure of what it has; '' before the first answer. */
  epoch = '';
  readonly #health: CallHealth;
  #numbers = 0;
  #highest = 0;

  constructor(health: CallHealth) {
    this.#health = health;
  }

  /** Makes a call. Rejects with the error of the call. */
  async call<Answer>(make: Make<Answer>, twice = false): Promise<Answer | 'lost'> {
    this.#numbers += 1;
    const answer = await make({ number: this.#numbers, epoch: this.epoch, highest: this.#highest, twice });
    this.#health.succeeded();
    return answer ?? 'lost';
  }

  /**
   * Repeats a call that was not answered, until it is answered, or `isOpen` says that there is no longer any point: it
   * then resolves to undefined.
   */
  async repeat<Answer>(make: Make<Answer>, isOpen: () => boolean): Promise<Answer | 'lost' | undefined> {
    for (let tries = 0; isOpen(); tries += 1) {
      await this.#health.pause(tries);
      try {
        return await this.call(make, true);
      } catch (error) {
        this.#health.failed(error);
      }
    }
    return undefined;
  }

  /** The highest token that was issued to this session. */
  get highest(): number {
    return this.#highest;
  }

  /** Notes a token that was issued to this session. */
  issued(token: number): void {
    this.#highest = Math.max(this.#highest, token);
  }
}
