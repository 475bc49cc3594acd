/**
 * A topic of Kafka as a source, over a consumer and an admin client that the program brings, of the shape that kafkajs gives
 * them. Nothing is committed to the broker: the offsets that count are those that are stored with the rows.
 *
 * Guarantees: records come in order, from the offset on that is asked for, wherever the consumer itself stands after it has
 * joined its group again. A partition is fetched only while it is read, and no faster than it is taken in. Records that the
 * broker has deleted before they were taken in are found out. A topic that was made anew is found out only while it is shorter
 * than what was taken in: a client does not see more.
 */
import {
  HoldfastError,
  having,
  messageOf,
  onAbort,
  pause,
  type Readers,
  readOptions,
  systemClock,
  text,
  UnavailableError,
} from '@holdfast/kernel';
import type { Extent, Offset, Source, SourceBatch } from './source.js';

/** A record of a topic, as `parse` is given it. */
export interface KafkaMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In ms since the epoch, as text. */
  readonly timestamp: string;
  readonly offset: string;
  readonly headers?: unknown;
}

interface KafkaBatch {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly messages: readonly KafkaMessage[];
  /** From where it was fetched. */
  readonly fetchedOffset: string;
  lastOffset(): string;
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: number[];
}

/** What is needed of a consumer of kafkajs: connected, subscribed to nothing, not running. */
export interface KafkaConsumer {
  subscribe(options: { topics: string[]; fromBeginning: boolean }): Promise<void>;
  run(options: {
    autoCommit: boolean;
    eachBatch: (payload: { batch: unknown; isStale(): boolean }) => Promise<void>;
  }): Promise<void>;
  seek(place: { topic: string; partition: number; offset: string }): void;
  pause(topics: TopicPartitions[]): void;
  resume(topics: TopicPartitions[]): void;
  on(event: 'consumer.crash', listener: (event: { payload: unknown }) => void): unknown;
}

/** What is needed of an admin client of kafkajs, which is connected. */
export interface KafkaAdmin {
  fetchTopicOffsets(
    topic: string,
  ): Promise<readonly { readonly partition: number; readonly low: string; readonly high: string }[]>;
}

export interface KafkaOptions {
  /**
   * A consumer, connected and not running; it is used for nothing else. Its group must be its own: which process reads which
   * partition is decided by `hold` of `follow`, and a broker that divides a group decides otherwise.
   */
  readonly consumer: KafkaConsumer;
  readonly admin: KafkaAdmin;
  readonly topic: string;
}

const KAFKA = {
  consumer: having<KafkaConsumer>('subscribe', 'run', 'seek', 'pause', 'resume', 'on'),
  admin: having<KafkaAdmin>('fetchTopicOffsets'),
  topic: text('the name of a topic'),
} satisfies Readers<KafkaOptions>;

/** Batches of a partition that wait to be taken in; above that, it is not fetched. */
const MOST_WAITING = 4;

/** How long a read waits for a batch, in ms. */
const IDLE = 2_000;

/** The records of a topic. Asks the broker for its partitions. Throws MisuseError, UnavailableError. */
export async function kafka(options: KafkaOptions): Promise<Source> {
  const { consumer, admin, topic } = readOptions('kafka()', options, KAFKA);
  const offsets = await asked(topic, () => admin.fetchTopicOffsets(topic));
  const partitions = offsets.map(({ partition }) => partition).sort((one, other) => one - other);
  return new KafkaSource({ consumer, admin, topic }, partitions);
}

/** What has come of one partition, for whoever reads it. */
class Arrivals {
  readonly batches: KafkaBatch[] = [];
  failure: unknown;
  #wake: (() => void) | undefined;

  push(batch: KafkaBatch): void {
    this.batches.push(batch);
    this.wake();
  }

  wake(): void {
    this.#wake?.();
  }

  /** Resolves when something has come, or nothing for a while. */
  async wait(): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await pause(systemClock, IDLE, waking.signal);
  }
}

class KafkaSource implements Source {
  readonly name: string;
  readonly partitions: readonly number[];
  readonly #options: KafkaOptions;
  readonly #arrivals = new Map<number, Arrivals>();
  #running: Promise<void> | undefined;

  constructor(options: KafkaOptions, partitions: readonly number[]) {
    this.#options = options;
    this.name = options.topic;
    this.partitions = partitions;
  }

  nameOf(partition: number): string {
    return `${this.name}/${partition}`;
  }

  async extent(partition: number): Promise<Extent> {
    const { low, high } = await this.#range(partition);
    return {
      lostThrough: low > 0 ? [low - 1, 0] : undefined,
      last: high > 0 ? [high - 1, 0] : undefined,
    };
  }

  async *read(partition: number, after: Offset | undefined, signal: AbortSignal): AsyncIterable<SourceBatch> {
    await asked(this.name, () => this.#run());
    const arrivals = new Arrivals();
    this.#arrivals.set(partition, arrivals);
    const leave = onAbort(signal, () => arrivals.wake());
    let next = after === undefined ? (await this.#range(partition)).low : after[0] + 1;
    try {
      this.#seek(partition, next);
      this.#fetch(partition, true);
      while (!signal.aborted) {
        if (arrivals.failure !== undefined) throw arrivals.failure;
        const batch = arrivals.batches.shift();
        if (batch === undefined) {
          this.#fetch(partition, true);
          await arrivals.wait();
          // Where nothing has come, whoever reads is told so now and then.
          if (arrivals.batches.length === 0 && next > 0) yield { records: [], through: [next - 1, 0] };
          continue;
        }
        const extent = await this.#extentBy(batch, next);
        if (extent === undefined) {
          // The consumer stands elsewhere, as after it has joined its group again.
          arrivals.batches.length = 0;
          this.#seek(partition, next);
          continue;
        }
        const fresh = batch.messages.filter(({ offset }) => Number(offset) >= next);
        const through = Math.max(next - 1, Number(batch.lastOffset()));
        if (through < 0) continue;
        next = through + 1;
        const records = fresh.map((value) => ({ offset: [Number(value.offset), 0] as const, value }));
        yield { records, through: [through, 0], extent };
      }
    } finally {
      leave();
      if (this.#arrivals.get(partition) === arrivals) {
        this.#arrivals.delete(partition);
        this.#fetch(partition, false);
      }
    }
  }

  /** What the partition had when the batch came; undefined if the batch does not go on at `next`, although that is there. */
  async #extentBy({ partition, fetchedOffset, highWatermark }: KafkaBatch, next: number) {
    if (Number(fetchedOffset) <= next) {
      const last: Offset = [Math.max(0, Number(highWatermark) - 1), 0];
      return { lostThrough: undefined, last } satisfies Extent;
    }
    const { low } = await this.#range(partition);
    return low > next ? this.extent(partition) : undefined;
  }

  #run(): Promise<void> {
    this.#running ??= this.#begin().catch((error: unknown) => {
      this.#running = undefined;
      throw error;
    });
    return this.#running;
  }

  async #begin(): Promise<void> {
    const { consumer, topic } = this.#options;
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    consumer.on('consumer.crash', ({ payload }) => {
      const { error, restart } = Object(payload) as { readonly error?: unknown; readonly restart?: boolean };
      if (restart === true) return;
      this.#running = undefined;
      for (const arrivals of this.#arrivals.values()) {
        arrivals.failure = error ?? new Error('the consumer has crashed');
        arrivals.wake();
      }
    });
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const batch = payload.batch as KafkaBatch;
        const arrivals = this.#arrivals.get(batch.partition);
        if (arrivals === undefined) this.#fetch(batch.partition, false);
        else if (!payload.isStale()) {
          arrivals.push(batch);
          if (arrivals.batches.length >= MOST_WAITING) this.#fetch(batch.partition, false);
        }
      },
    });
  }

  #seek(partition: number, offset: number): void {
    const { consumer, topic } = this.#options;
    consumer.seek({ topic, partition, offset: String(offset) });
  }

  #fetch(partition: number, isWanted: boolean): void {
    const { consumer, topic } = this.#options;
    const of = [{ topic, partitions: [partition] }];
    if (isWanted) consumer.resume(of);
    else consumer.pause(of);
  }

  /** The first offset that is there, and the one that comes next. */
  async #range(partition: number): Promise<{ readonly low: number; readonly high: number }> {
    const { admin, topic } = this.#options;
    const all = await asked(topic, () => admin.fetchTopicOffsets(topic));
    const found = all.find((each) => each.partition === partition);
    return { low: Number(found?.low ?? 0), high: Number(found?.high ?? 0) };
  }
}

/** What the broker answers. Throws UnavailableError if another try may help, and what the client throws otherwise. */
async function asked<T>(topic: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const isFinal = /AUTHORIZATION_FAILED|SASL|UNKNOWN_TOPIC/.test(
      `${Object(error).type} ${messageOf(error)}`,
    );
    if (isFinal || error instanceof HoldfastError || error instanceof TypeError) throw error;
    throw new UnavailableError(`The topic "${topic}" could not be read; it is tried again.`, [
      { node: 'Kafka', reason: messageOf(error) },
    ]);
  }
}
