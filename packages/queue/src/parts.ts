/**
 * The parts behind a queue, for the other modules of this package: users see only the methods of a queue.
 */
import { display, MisuseError, type Schema } from '@holdfast/kernel';
import type { QueueMarks } from './guarded.js';
import type { Payloads } from './payloads.js';
import type { QueuePort } from './port.js';
import type { QueueSettings } from './queue-options.js';

export interface QueuePartsOptions {
  readonly name: string;
  /** The issuer of the tokens of its tasks. */
  readonly issuer: string;
  readonly settings: QueueSettings;
  readonly schema: Schema | undefined;
  readonly port: QueuePort;
  readonly marks: QueueMarks;
  readonly payloads: Payloads;
  /** By their names. */
  readonly groups: ReadonlyMap<string, QueueParts>;
}

export class QueueParts {
  readonly name: string;
  /** The issuer of the tokens of its tasks. */
  readonly issuer: string;
  readonly settings: QueueSettings;
  readonly schema: Schema | undefined;
  readonly groups: ReadonlyMap<string, QueueParts>;
  readonly marks: QueueMarks;
  readonly payloads: Payloads;
  /** The port over which tasks are added: to the queue, or to all its groups. */
  readonly adding: QueuePort;

  constructor({ name, issuer, settings, schema, port, marks, payloads, groups }: QueuePartsOptions) {
    this.name = name;
    this.issuer = issuer;
    this.settings = settings;
    this.schema = schema;
    this.marks = marks;
    this.payloads = payloads;
    this.groups = groups;
    this.adding = port;
  }

  /** The port to the queue's own tasks. Throws MisuseError for a queue with groups, which has none. */
  get port(): QueuePort {
    if (this.groups.size === 0) return this.adding;
    throw new MisuseError(
      `The tasks of "${this.name}" are those of its groups: name one, such as group("${[...this.groups.keys()][0]}").`,
    );
  }

  /** The ports to whatever has the tasks: the queue, or its groups. */
  get ports(): readonly QueuePort[] {
    return this.groups.size === 0 ? [this.adding] : [...this.groups.values()].map(({ adding }) => adding);
  }
}

const known = new WeakMap<object, QueueParts>();

export function registerParts(queue: object, parts: QueueParts): void {
  known.set(queue, parts);
}

/** Throws MisuseError for anything that createQueue has not made. */
export function requireQueue(queue: unknown): QueueParts {
  const parts = typeof queue === 'object' && queue !== null ? known.get(queue) : undefined;
  if (parts) return parts;
  throw new MisuseError(`queue is what createQueue made; got ${display(queue)}.`);
}
