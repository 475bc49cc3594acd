/**
 * Features of users read by gRPC, with a client that knows nothing of Holdfast but its .proto file. A sample of the README of
 * @holdfast/server.
 */
import { createFeatures, entity, t, view } from '@holdfast/features';
import { createLocks } from '@holdfast/lock';
import { createServer } from '@holdfast/server';
import { data, nodes, stop } from './nodes.js';

const profile = view('profile', { entity: entity('user'), fields: { tier: t.string(), orders: t.int() } });
const store = createFeatures({ redis: data, name: 'shop', views: [profile] });
await store.apply();
const locks = createLocks({ nodes });
await locks.using('profiles', {}, async (lease) => {
  const lane = await store.open(profile, { holder: lease });
  await lane.land([{ id: 'u1', time: Date.now(), values: { tier: 'gold', orders: 12 } }]);
});
await locks.close();
await store.close();

const server = createServer({ redis: data, port: 0, grpc: { port: 0 } });
await server.listen();
const { host: address } = new URL(server.grpcUrl ?? '');
const key = process.env['HOLDFAST_KEY'] ?? ''; // this server asks for none

// #region readme
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const includeDirs = ['node_modules/@holdfast/server/proto'];
const definition = loadSync('holdfast/v1/holdfast.proto', { includeDirs, longs: Number, oneofs: true });
// biome-ignore lint/suspicious/noExplicitAny: proto-loader-gen-types makes types.
const { Features } = (loadPackageDefinition(definition) as any).holdfast.v1;
const client = new Features(address, credentials.createInsecure()); // "127.0.0.1:7402"
const metadata = new Metadata();
metadata.set('authorization', `Bearer ${key}`);
const request = { store: 'shop', view: 'profile', ids: [{ text: 'u1' }, { text: 'u2' }] };
const answer = await new Promise((resolve, reject) => {
  client.ReadRows(request, metadata, { deadline: Date.now() + 1_000 }, (error: unknown, rows: unknown) =>
    error ? reject(error) : resolve(rows),
  );
});
console.log(JSON.stringify(answer));
client.close();
// #endregion readme

await server.close();
await stop();
