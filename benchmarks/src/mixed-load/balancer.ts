/**
 * A load balancer within the process that sends the requests: it asks `/readyz` of every replica, and gives each request to the
 * next that is ready. It counts every answer.
 *
 * Guarantees: each request is sent once, to one replica. Nothing is hidden: a connection that broke is counted, and thrown.
 */
import { pause, RunOverError } from './attempts.js';

/** An answer that says no, or a connection that broke. */
export interface Refusal {
  /** The status, or 0 if there was no answer. */
  readonly status: number;
  /** The code of Holdfast, or how the connection ended. */
  readonly code: string;
  /** Such as "POST /v1/locks". */
  readonly what: string;
  readonly retryAfter: boolean;
  readonly detail: string;
}

const ASK_EVERY = 200;
/** How long a request waits for a replica to be ready, in ms. */
const PATIENCE = 10_000;

export class Balancer {
  /** How many answers had each status. */
  readonly statuses = new Map<number, number>();
  /** By what they say, without their details; and one of each. */
  readonly refusals = new Map<string, { count: number; readonly first: Refusal }>();
  /** How long the slowest answer to a renewal of a lease took, in ms. */
  slowestRenewal = 0;
  readonly #ready = new Set<string>();
  #turn = 0;
  #asking: readonly Promise<void>[] = [];
  #closed = false;

  /** Begins to ask the replicas at these URLs. */
  watch(urls: readonly string[]): void {
    this.#asking = urls.map((url) => this.#ask(url));
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const asked = new URL(input instanceof Request ? input.url : input);
    const replica = await this.#next();
    const what = `${init?.method ?? 'GET'} ${asked.pathname.split('/').slice(0, 3).join('/')}`;
    const began = performance.now();
    try {
      const response = await fetch(new URL(asked.pathname + asked.search, replica), init);
      this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
      if (init?.method === 'PATCH')
        this.slowestRenewal = Math.max(this.slowestRenewal, performance.now() - began);
      return response.ok ? response : await this.#refused(response, what);
    } catch (error) {
      if (init?.signal?.aborted !== true) this.#broke(error as Error, what);
      throw error;
    }
  };

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#asking);
  }

  async #ask(url: string): Promise<void> {
    while (!this.#closed) {
      const isReady = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(2_000) })
        .then(async (response) => response.ok && (await response.text()) !== undefined)
        .catch(() => false);
      if (isReady) this.#ready.add(url);
      else this.#ready.delete(url);
      await pause(ASK_EVERY);
    }
  }

  async #next(): Promise<string> {
    const until = performance.now() + PATIENCE;
    for (;;) {
      if (this.#closed) throw new RunOverError('The run is over.');
      if (this.#ready.size > 0) break;
      if (performance.now() > until) throw new Error('no replica is ready');
      await pause(20);
    }
    const urls = [...this.#ready];
    this.#turn += 1;
    return urls[this.#turn % urls.length] as string;
  }

  async #refused(response: Response, what: string): Promise<Response> {
    const { status, headers } = response;
    const text = await response.text();
    const { code = '', detail = '', reason } = JSON.parse(text === '' ? '{}' : text);
    const said = reason === undefined ? code : `${code} ${reason}`;
    this.#note({ status, code: said, what, retryAfter: headers.has('retry-after'), detail });
    return new Response(text, { status, headers });
  }

  #broke(error: Error, what: string): void {
    const { cause } = error as { cause?: { code?: string; message?: string } };
    const code = cause?.code ?? cause?.message ?? error.message;
    this.#note({ status: 0, code, what, retryAfter: false, detail: String(error.stack) });
  }

  #note(refusal: Refusal): void {
    const { status, code, what, retryAfter } = refusal;
    const key = [status, code, what, retryAfter].join(' ');
    const noted = this.refusals.get(key) ?? { count: 0, first: refusal };
    noted.count += 1;
    this.refusals.set(key, noted);
  }
}
