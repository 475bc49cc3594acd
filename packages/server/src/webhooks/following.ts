/**
 * Follows the events that webhooks ask for, and adds a task for each message to the queue of deliveries.
 *
 * Guarantees: each event that Redis has kept since the webhook was defined becomes a task, whatever stops in between: the cursor is
 * kept after the task was added, and a task that is added again within a day is added once. One replica follows for all; while
 * one that was paused still does, too, nothing is told twice. An event that Redis no longer keeps when it is read is missed.
 */
import type { Clock, Timer } from '@holdfast/kernel';
import type { Queue } from '@holdfast/queue';
import type { OpenedWorkflows } from '@holdfast/workflow';
import type { Sealer } from '../auth/sealer.js';
import { type Event, messageOf } from './messages.js';
import type { Registry, Webhook } from './registry.js';

/** A queue or an app, until it is released. */
export interface Sources {
  holdQueue(name: string): { readonly queue: Queue; readonly release: () => void };
  holdApp(workflow: string): Promise<{ readonly thing: OpenedWorkflows; readonly release: () => void }>;
}

interface FollowingOptions {
  readonly replica: string;
  readonly registry: Registry;
  readonly sources: Sources;
  readonly deliveries: Queue;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

interface Followed {
  readonly text: string;
  readonly ended: AbortController;
  isOver: boolean;
}

/** How often the webhooks are looked at, and for how long a replica follows without asking again; in ms. */
const LOOK = 2_000;
const LEASE = 15_000;
/** After so many events that are not told, the cursor is kept. */
const PASSED = 100;
const DAY = 86_400_000;
/** Tries go on for about three days: after 5 s, 10 s and so on up to an hour, and then each hour. */
const RETRIES = { attempts: 80, backoff: { type: 'exponential', delay: 5_000, limit: 3_600_000 } } as const;

export class Following {
  readonly #options: FollowingOptions;
  readonly #followed = new Map<string, Followed>();
  #timer: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isLeading = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
    this.#lookSoon(0);
  }

  /** Looks at the webhooks at once: one was defined or deleted. */
  async lookNow(): Promise<void> {
    this.#timer?.cancel();
    await this.#looking;
    this.#lookSoon(0);
  }

  /** Ends all following; another replica goes on at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#endAll();
    await this.#looking;
    const { registry, replica } = this.#options;
    if (this.#isLeading) await registry.lead(replica, 1).catch(() => false);
  }

  #lookSoon(after: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(after, () => {
      this.#looking = this.#look().catch((error: unknown) => {
        this.#endAll();
        this.#options.onError(error);
      });
      void this.#looking.then(() => this.#lookSoon(LOOK));
    });
  }

  async #look(): Promise<void> {
    const { registry, replica } = this.#options;
    this.#isLeading = await registry.lead(replica, LEASE);
    if (!this.#isLeading) {
      this.#endAll();
      return;
    }
    const webhooks = await registry.list();
    const names = new Set(webhooks.map(({ name }) => name));
    for (const [name, { ended }] of this.#followed) {
      if (names.has(name)) continue;
      ended.abort();
      this.#followed.delete(name);
    }
    for (const webhook of webhooks) this.#follow(webhook);
  }

  #follow(webhook: Webhook): void {
    const { cursor: _, ...definition } = webhook;
    const text = JSON.stringify(definition);
    const before = this.#followed.get(webhook.name);
    if (this.#isClosed || (before?.text === text && !before.isOver)) return;
    before?.ended.abort();
    const followed: Followed = { text, ended: new AbortController(), isOver: false };
    this.#followed.set(webhook.name, followed);
    void this.#tellAll(webhook, followed.ended.signal)
      .catch((error: unknown) => {
        if (!followed.ended.signal.aborted) this.#options.onError(error);
      })
      .finally(() => {
        followed.isOver = true;
      });
  }

  #endAll(): void {
    for (const { ended } of this.#followed.values()) ended.abort();
    this.#followed.clear();
  }

  async #tellAll(webhook: Webhook, signal: AbortSignal): Promise<void> {
    const { registry, replica } = this.#options;
    let passed = 0;
    for await (const event of this.#eventsOf(webhook, signal)) {
      if (signal.aborted) return;
      const isTold = await this.#tell(webhook, event);
      passed += 1;
      if (!isTold && passed < PASSED) continue;
      passed = 0;
      await registry.advance(replica, webhook, event.cursor);
    }
  }

  /** Adds the task of a message. Resolves to whether there is one. */
  async #tell(webhook: Webhook, event: Event): Promise<boolean> {
    const { deliveries, sealer } = this.#options;
    const message = messageOf(webhook, event);
    if (message === undefined) return false;
    const sealed = sealer.seal('webhook', webhook.name, { ...message, since: webhook.since });
    const deduplicate = { key: message.id, within: DAY };
    await deliveries.add(
      { webhook: webhook.name, sealed },
      { id: message.id, deduplicate, tenant: webhook.name, timeout: 30_000, ...RETRIES },
    );
    return true;
  }

  async *#eventsOf(webhook: Webhook, signal: AbortSignal): AsyncGenerator<Event, void> {
    const { sources } = this.#options;
    const { queue: name, workflow = '', since, cursor } = webhook;
    if (name !== undefined) {
      const { queue, release } = sources.holdQueue(name);
      const partition = /\.(\d+)(?:@|$)/.exec(name)?.[1] ?? '0';
      const after = cursor ?? `${partition}:${since}-0`;
      try {
        yield* queue.events({ after, signal });
      } finally {
        release();
      }
      return;
    }
    const { thing: app, release } = await sources.holdApp(workflow);
    try {
      yield* app.events({ after: cursor ?? 'oldest', signal });
    } finally {
      release();
    }
  }
}
