/**
 * One call for all that ask for it while another is under way.
 *
 * Guarantees: whoever asks is answered by a call that began after it had asked. One call is under way at a time.
 */
export class SharedCall<T> {
  readonly #call: () => Promise<T>;
  #asking: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(call: () => Promise<T>) {
    this.#call = call;
  }

  /** Rejects with what the call rejects with. */
  ask(): Promise<T> {
    if (this.#asking === undefined) return this.#send();
    this.#next ??= this.#asking
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#send();
      });
    return this.#next;
  }

  #send(): Promise<T> {
    const sent = this.#call();
    this.#asking = sent;
    const done = (): void => {
      if (this.#asking === sent) this.#asking = undefined;
    };
    sent.then(done, done);
    return sent;
  }
}
