/** How the tests call the server by gRPC: with the client of grpc-js and the files in `proto/`, as any program does. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type ClientOptions,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Server } from '@holdfast/server';
import { later } from './setting.js';

const fileOf = (path: string): string => fileURLToPath(new URL(`../proto/${path}`, import.meta.url));
const loaded = loadPackageDefinition(
  loadSync([fileOf('holdfast/v1/holdfast.proto'), fileOf('grpc/health/v1/health.proto')], {
    ...{ longs: Number, enums: String, oneofs: true, arrays: true },
  }),
);

// biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect.
type Any = any;

/** What a call was answered. */
interface Called {
  /** Of gRPC; 0 for success. */
  readonly code: number;
  readonly message?: string;
  /** Of docs/ERRORS.md. */
  readonly error?: string;
  readonly pushback?: string;
  readonly body: Any;
}

export interface Caller {
  /** The client of a service, such as "holdfast.v1.Features". */
  readonly clientOf: (service: string) => Any;
  /** Calls a method, such as "holdfast.v1.Features/ReadRows". */
  readonly call: (
    method: string,
    message: object,
    options?: { readonly key?: string | undefined; readonly deadline?: number },
  ) => Promise<Called>;
}

/** Clients of a server; with a certificate authority, by TLS. */
export function callerOf(
  { grpcUrl = '' }: Server,
  tls?: {
    readonly ca: string;
    readonly key?: string;
    readonly cert?: string;
    readonly options?: ClientOptions;
  },
): Caller {
  const { host } = new URL(grpcUrl);
  const read = (path: string | undefined) => (path === undefined ? null : readFileSync(path));
  const trust = tls
    ? credentials.createSsl(read(tls.ca), read(tls.key), read(tls.cert))
    : credentials.createInsecure();
  const clients = new Map<string, Any>();
  const clientOf = (service: string): Any => {
    const found = service.split('.').reduce<Any>((of: GrpcObject, name) => of[name], loaded);
    const client = clients.get(service) ?? new (found as ServiceClientConstructor)(host, trust, tls?.options);
    if (!clients.has(service)) later(() => client.close());
    clients.set(service, client);
    return client;
  };
  return {
    clientOf,
    call(method, message, { key, deadline = 20_000 } = {}) {
      const [service = '', name = ''] = method.split('/');
      const metadata = new Metadata();
      if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
      const options = { deadline: Date.now() + deadline };
      return new Promise((resolve) => {
        clientOf(service)[name](message, metadata, options, (error: ServiceError | null, body: Any) => {
          if (!error) return resolve({ code: 0, body });
          const { code, details, metadata: told } = error;
          const [of] = told?.get('holdfast-code') ?? [];
          const [pushback] = told?.get('grpc-retry-pushback-ms') ?? [];
          return resolve({
            ...{ code, message: details, body: undefined },
            ...(of !== undefined && { error: String(of) }),
            ...(pushback !== undefined && { pushback: String(pushback) }),
          });
        });
      });
    },
  };
}
