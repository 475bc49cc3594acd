/** Asks a server over connections that stay open. Throws for an answer that is no success. */
import { Agent, request } from 'node:http';
import { inParallel } from '../features/stand.js';

interface Posting {
  readonly path: string;
  /** JSON. */
  readonly body: string;
  readonly requests: number;
  /** How many are under way. */
  readonly most: number;
}

export class Asker {
  readonly #agent: Agent;
  readonly #port: number;

  /** `most`: connections. */
  constructor(port: number, most = 256) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: most });
  }

  /** How long all requests took, and each of them, in ms. */
  async postAll({ path, body, requests, most }: Posting): Promise<{ took: number; times: Float64Array }> {
    const times = new Float64Array(requests);
    const began = performance.now();
    await inParallel(requests, most, async (turn) => {
      const begin = performance.now();
      await this.#ask('POST', path, { body });
      times[turn] = performance.now() - begin;
    });
    return { took: performance.now() - began, times };
  }

  /** Resolves to the answer. `body`: JSON. */
  say(method: string, path: string, body?: string): Promise<string> {
    return this.#ask(method, path, body === undefined ? {} : { body });
  }

  /** Reads a stream of events to its end, and throws away what it says. Resolves when it has begun, to what ends it. */
  watch(path: string): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: this.#port, agent: this.#agent, path }, (response) => {
        response.on('error', () => {}).once('data', () => resolve(() => asked.destroy()));
        if (response.statusCode !== 200) reject(new Error(`GET ${path}: ${response.statusCode}`));
      });
      asked.on('error', reject).end();
    });
  }

  /** Takes a lease, extends it and ends it. */
  async lease(name: string): Promise<void> {
    const path = `/v1/locks/${encodeURIComponent(name)}/leases`;
    const { lease } = JSON.parse(await this.#ask('POST', path, { body: '{"wait":5000}' }));
    await this.#ask('PATCH', '/v1/leases', { body: '{}', lease });
    await this.#ask('DELETE', '/v1/leases', { lease });
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(method: string, path: string, { body, lease }: { body?: string; lease?: string }): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...(body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
        ...(lease !== undefined && { 'holdfast-lease': lease }),
      };
      const asked = request(
        { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path, headers },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => {
            if ((response.statusCode ?? 500) < 300) resolve(text);
            else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
          });
        },
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }
}
