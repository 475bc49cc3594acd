/**
 * grpc.health.v1: whether the server may be sent calls, as `/readyz` says, to whoever asks, without a key.
 *
 * Guarantees: who watches is told at once, and again within a second of a change; its stream ends when the server does. No more
 * than `MOST` watch at a time. Nothing is looked at while nobody watches.
 */
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Clock, Timer } from '@holdfast/kernel';
import { CODES } from './status.js';

const STATUS = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 };

/** How often the state is looked at while somebody watches, in ms. */
const LOOK = 1_000;
const MOST = 1_000;

interface Asked {
  readonly service?: string;
}
interface Health {
  readonly status: number;
}
type Stream = ServerWritableStream<Asked, Health>;

export interface HealthOptions {
  /** The names of the services. */
  readonly services: readonly string[];
  readonly isServing: () => boolean;
  readonly clock: Clock;
}

export class HealthService {
  readonly #options: HealthOptions;
  /** Who watches, with what it was told last. */
  readonly #watching = new Map<Stream, number>();
  #timer: Timer | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  readonly Check = ({ request }: ServerUnaryCall<Asked, Health>, answer: sendUnaryData<Health>): void => {
    const status = this.#statusOf(request);
    if (status === STATUS.SERVICE_UNKNOWN)
      answer({ code: CODES.NOT_FOUND, details: 'The server has no such service.' });
    else answer(null, { status });
  };

  readonly Watch = (stream: Stream): void => {
    if (this.#watching.size >= MOST) {
      stream.emit('error', { code: CODES.RESOURCE_EXHAUSTED, details: 'Too many watch already.' });
      return;
    }
    stream.once('cancelled', () => this.#watching.delete(stream));
    this.#tell(stream);
    this.#timer ??= this.#later();
  };

  /** Tells those who watch what has changed; called when the server begins to stop, too. */
  look(): void {
    for (const stream of this.#watching.keys()) this.#tell(stream);
  }

  /** Ends the streams. */
  close(): void {
    this.#timer?.cancel();
    for (const stream of this.#watching.keys()) stream.end();
    this.#watching.clear();
  }

  #later(): Timer {
    const look = (): void => {
      this.look();
      this.#timer = this.#watching.size > 0 ? this.#later() : undefined;
    };
    return this.#options.clock.after(LOOK, look, { keepAlive: false });
  }

  #tell(stream: Stream): void {
    const status = this.#statusOf(stream.request);
    if (this.#watching.get(stream) === status) return;
    this.#watching.set(stream, status);
    stream.write({ status });
  }

  #statusOf({ service = '' }: Asked): number {
    const { services, isServing } = this.#options;
    if (service !== '' && !services.includes(service)) return STATUS.SERVICE_UNKNOWN;
    return isServing() ? STATUS.SERVING : STATUS.NOT_SERVING;
  }
}
