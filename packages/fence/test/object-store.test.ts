/** The guard for objects: the contract on both stores. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import {
  createObjectGuard,
  directoryStore,
  type ObjectStore,
  type ObjectWrite,
  s3Store,
} from '@holdfast/fence/object-store';
import { type GuardFixture, guardContract } from './contract.js';
import { S3Server } from './s3-server.js';

/** What both fixtures share: a number is an object's text. */
function fixture(
  stores: readonly [ObjectStore, ObjectStore],
  close: () => Promise<void>,
): GuardFixture<ObjectWrite, void> {
  const guards = [createObjectGuard({ store: stores[0] }), createObjectGuard({ store: stores[1] })] as const;
  return {
    guards,
    set: (_, value) => String(value),
    read: async (resource) => Number((await guards[0].read(resource)) ?? 0),
    token: (step) => 1_000 + step,
    async markWithoutIssuer(key, token) {
      const object = { body: Buffer.alloc(0), mark: { token, write: 'before', empty: true }, attributes: {} };
      await stores[0].put(key, object, undefined, new AbortController().signal);
    },
    [Symbol.asyncDispose]: close,
  };
}

const connect = (endpoint: string): S3Client =>
  new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });

guardContract('a directory', async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-'));
  return fixture([directoryStore({ path }), directoryStore({ path })], () => rm(path, { recursive: true }));
});

guardContract('S3', async () => {
  const server = await S3Server.start();
  const clients = [connect(server.url), connect(server.url)] as const;
  const [first, second] = clients.map((client) => s3Store({ client, bucket: 'bucket', prefix: 'a/' }));
  return fixture([first!, second!], async () => {
    for (const client of clients) client.destroy();
    await server[Symbol.asyncDispose]();
  });
});
