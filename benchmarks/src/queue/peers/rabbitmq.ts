/** RabbitMQ: a durable queue, messages that are on the disk when they are confirmed, and acknowledgements by hand. */
import { type Payload, type Peer, requirePackage } from './peer.js';

const NAME = 'bench';

/** The parts of amqplib that are used here. */
interface Channel {
  assertQueue(name: string, options: { durable: true }): Promise<unknown>;
  deleteQueue(name: string): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  consume(name: string, handle: (message: { readonly content: Buffer } | null) => void): Promise<unknown>;
  ack(message: { readonly content: Buffer }): void;
  close(): Promise<void>;
}

interface ConfirmChannel extends Channel {
  sendToQueue(
    name: string,
    content: Buffer,
    options: { persistent: true },
    confirmed: (error: Error | null) => void,
  ): boolean;
}

interface Connection {
  createChannel(): Promise<Channel>;
  createConfirmChannel(): Promise<ConfirmChannel>;
  close(): Promise<void>;
}

const open = async (url: string): Promise<Connection> =>
  (await requirePackage<{ connect(url: string): Promise<Connection> }>('amqplib')).connect(url);

async function onChannel(url: string, use: (channel: Channel) => Promise<unknown>): Promise<void> {
  const connection = await open(url);
  await use(await connection.createChannel());
  await connection.close();
}

export const rabbitmq: Peer = {
  ...{ name: 'RabbitMQ', broker: 'rabbitmq', pace: 4 },
  clear: (url) => onChannel(url, (channel) => channel.deleteQueue(NAME)),
  prepare: (url) => onChannel(url, (channel) => channel.assertQueue(NAME, { durable: true })),
  adding: async (url) => {
    const connection = await open(url);
    const channel = await connection.createConfirmChannel();
    const add = (payload: Payload): Promise<void> =>
      new Promise((resolve, reject) => {
        const content = Buffer.from(JSON.stringify(payload));
        channel.sendToQueue(NAME, content, { persistent: true }, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    return {
      add,
      addMany: (payloads) => Promise.all(payloads.map(add)),
      close: () => connection.close(),
    };
  },
  working: async (url, concurrency, handle) => {
    const connection = await open(url);
    const channel = await connection.createChannel();
    await channel.prefetch(concurrency);
    await channel.consume(NAME, (message) => {
      if (message === null) return;
      handle(JSON.parse(message.content.toString()) as Payload);
      channel.ack(message);
    });
    return { close: () => connection.close() };
  },
};
