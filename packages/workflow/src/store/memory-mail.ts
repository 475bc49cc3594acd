/**
 * Mail of a partition in memory: who listens, and who waits for the ends of runs. For tests of workflows only.
 */
export class MemoryMail {
  readonly #ears = new Map<string, (text: string) => void>();
  readonly #waiters = new Map<string, Set<string>>();

  listen(mailbox: string, hear: (text: string) => void): void {
    this.#ears.set(mailbox, hear);
  }

  unlisten(mailbox: string): void {
    this.#ears.delete(mailbox);
  }

  /** Its end is told to the mailbox; '' for none. */
  awaits(run: string, mailbox: string): void {
    if (mailbox === '') return;
    const waiters = this.#waiters.get(run) ?? new Set();
    this.#waiters.set(run, waiters.add(mailbox));
  }

  forget(run: string): void {
    this.#waiters.delete(run);
  }

  tellWaiters(run: string, text: string): void {
    for (const mailbox of this.#waiters.get(run) ?? []) this.send(mailbox, text);
    this.#waiters.delete(run);
  }

  /** A session's name begins with its worker's mailbox. */
  sendTo(session: string, text: string): boolean {
    return this.send(session.slice(0, session.indexOf('.')), text);
  }

  /** Whether anybody hears it, which is not before this call is over. */
  send(mailbox: string, text: string): boolean {
    const hear = this.#ears.get(mailbox);
    hear?.(text);
    return hear !== undefined;
  }
}
