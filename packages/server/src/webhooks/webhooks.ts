/**
 * Webhooks: what tasks and runs become is told to receivers by HTTP. The main path: a replica follows events (following.ts) and
 * adds a task for each message to the queue "holdfast-webhooks"; the workers of all replicas send them (sending.ts).
 *
 * Guarantees: each message at least once, with the same id each time, until the receiver answers with 2xx; after three days it
 * is a dead letter. What is in the queue was sealed by a server with the server key: nobody who may add tasks has something signed.
 */
import { NonRetryableError } from '@holdfast/kernel';
import { createQueue, createWorker, type Queue, type Task, type Worker } from '@holdfast/queue';
import { z } from 'zod';
import type { Sealer } from '../auth/sealer.js';
import { RequestError } from '../errors.js';
import type { Place } from '../own-scripts.js';
import { Following, type Sources } from './following.js';
import type { ReceiverFile } from './receivers.js';
import { Registry } from './registry.js';
import { post } from './sending.js';

interface WebhooksOptions {
  readonly place: Place;
  readonly replica: string;
  readonly receivers: ReceiverFile;
  readonly sealer: Sealer;
  readonly sources: Sources;
  readonly onError: (error: unknown) => void;
}

/** The queue of deliveries. */
const DELIVERIES = 'holdfast-webhooks';

const delivery = z.object({ webhook: z.string(), sealed: z.string() });
const sealedMessage = z.object({ id: z.string(), body: z.string(), since: z.number() });
const GONE = 410;

export class Webhooks {
  readonly registry: Registry;
  readonly receivers: ReceiverFile;
  readonly #options: WebhooksOptions;
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #following: Following;

  constructor(options: WebhooksOptions) {
    const { place, receivers, onError } = options;
    this.#options = options;
    this.receivers = receivers;
    this.registry = new Registry(place);
    this.#queue = createQueue({ ...place, name: DELIVERIES });
    this.#worker = createWorker({
      ...{ queue: this.#queue, concurrency: 20, grace: 1_000, onError },
      handler: (task) => this.#deliver(task),
    });
    this.#following = new Following({
      ...options,
      ...place,
      registry: this.registry,
      deliveries: this.#queue,
    });
  }

  /** Called when one was defined or deleted here. */
  changed(): void {
    void this.#following.lookNow();
  }

  /** Ends the following, and the sending; what was not sent is sent by another replica, or later. */
  async close(): Promise<void> {
    await this.#following.close();
    await this.#worker.stop();
    await this.#queue.close();
    this.registry.close();
    this.receivers.close();
  }

  async #deliver({ data }: Task<unknown>): Promise<string> {
    const { name, message } = this.#read(data);
    const webhook = await this.registry.find(name);
    if (webhook?.since !== message.since) return 'the webhook is gone';
    const receiver = this.receivers.of(webhook.url);
    if (receiver === undefined) throw new Error('the file of receivers does not have the origin of its URL');
    const time = Math.floor(this.#options.place.clock.wall() / 1_000_000);
    const status = await post(webhook.url, message, receiver, time);
    if (status >= 200 && status < 300) return `answered ${status}`;
    if (status === GONE) throw new NonRetryableError('answered 410: it wants no more');
    throw new Error(`answered ${status}`);
  }

  #read(data: unknown): { readonly name: string; readonly message: z.output<typeof sealedMessage> } {
    try {
      const { webhook: name, sealed } = delivery.parse(data);
      return { name, message: sealedMessage.parse(this.#options.sealer.open('webhook', name, sealed)) };
    } catch (error) {
      const isForged = error instanceof RequestError || error instanceof z.ZodError;
      if (isForged) throw new NonRetryableError('it was not added by a server', { cause: error });
      throw error;
    }
  }
}
