/**
 * The audit trail: who did what, when, and with which outcome, as lines of JSON in a file of its own.
 *
 * Guarantees: a line has the names of resources, and never a body, a key or a handle. It is in the file a moment after its request
 * was answered. The trail takes no more than twice `most` bytes: the file that is full becomes "<file>.1", in place of the one
 * before. What cannot be written is kept for the next try, up to 10,000 lines; how many were dropped beyond that is a line of
 * its own.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { type Clock, MisuseError, messageOf, type Timer } from '@holdfast/kernel';

/** One entry, without its time. */
export interface AuditEntry {
  /** The id of the operation, or what the server did by itself. */
  readonly operation: string;
  readonly subject?: string | undefined;
  readonly key?: string | undefined;
  readonly address?: string | undefined;
  /** What it was done to, as the path names it. */
  readonly names?: Readonly<Record<string, string>>;
  /** The id of what was made. */
  readonly made?: string | undefined;
  readonly status?: number;
  readonly code?: string | undefined;
  /** The number of the request in this process, as its log has it. */
  readonly request?: string;
}

interface AuditOptions {
  readonly path: string;
  /** The most bytes of a file. */
  readonly most: number;
  readonly clock: Clock;
}

const MOST_WAITING = 10_000;

export class Audit {
  readonly #options: AuditOptions;
  #file: number | undefined;
  #size = 0;
  #waiting: string[] = [];
  #dropped = 0;
  #flush: Timer | undefined;
  #problem: string | undefined;

  /** Opens the file, and goes on at its end. Throws MisuseError if it cannot be written. */
  constructor(options: AuditOptions) {
    this.#options = options;
    this.#open();
    if (this.#problem !== undefined) throw new MisuseError(this.#problem);
  }

  /** Why the trail could not be written when that was last tried; undefined if it could. Tries again if it could not. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) this.#write();
    return this.#problem;
  }

  note(entry: AuditEntry): void {
    const time = new Date(this.#options.clock.wall() / 1_000).toISOString();
    if (this.#waiting.length >= MOST_WAITING) this.#dropped += 1;
    else this.#waiting.push(`${JSON.stringify({ time, ...entry })}\n`);
    this.#flush ??= this.#options.clock.after(0, () => this.#write());
  }

  close(): void {
    this.#write();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #write(): void {
    this.#flush?.cancel();
    this.#flush = undefined;
    if (this.#file === undefined) this.#open();
    const { most } = this.#options;
    try {
      while (this.#waiting.length > 0 && this.#file !== undefined) {
        const dropped =
          this.#dropped > 0 ? `${JSON.stringify({ operation: 'dropped', lines: this.#dropped })}\n` : '';
        const text = Buffer.from(dropped + this.#waiting.join(''));
        if (this.#size > 0 && this.#size + text.length > most) this.#turn();
        if (this.#file === undefined) return;
        const written = writeSync(this.#file, text);
        this.#size += written;
        // It leaves a broken line, and the whole is written again.
        if (written < text.length) throw new Error('it was cut short, so the disk may be full');
        this.#waiting = [];
        this.#dropped = 0;
      }
      if (this.#file !== undefined) this.#problem = undefined;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Begins the file anew. */
  #turn(): void {
    const { path } = this.#options;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    renameSync(path, `${path}.1`);
    this.#open();
  }

  #open(): void {
    try {
      this.#file = openSync(this.#options.path, 'a', 0o600);
      this.#size = fstatSync(this.#file).size;
      this.#problem = undefined;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#problem = `The audit trail ${this.#options.path} cannot be written: ${messageOf(error)}`;
  }
}
