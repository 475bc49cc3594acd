/**
 * The options of a server, checked, with their defaults.
 */

import type { Features } from '@holdfast/features';
import {
  type Clock,
  duration,
  flag,
  group,
  having,
  list,
  oneOf,
  optional,
  orSystemClock,
  orSystemRandom,
  passedOn,
  type Random,
  type Readers,
  requirePrefix,
  type Settings,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import type { Locks } from '@holdfast/lock';
import type { PartitionedQueue, Queue } from '@holdfast/queue';
import type { NodeSource } from '@holdfast/redis';
import type { Logger } from '@holdfast/telemetry';
import type { VectorIndex } from '@holdfast/vectors';

export interface Definitions {
  /** One with partitions stands for those, and one with groups for them too. */
  readonly queues?: readonly (Queue | PartitionedQueue)[];
  readonly features?: readonly Features[];
  readonly indexes?: readonly VectorIndex[];
}

export interface ServerOptions {
  /** What `createLocks` of @holdfast/lock made; the server does not close it. Default: the server has no leases. */
  readonly locks?: Locks;
  /** The Redis of queues: a URL, or your own ioredis or node-redis client. Default: the server has no queues. */
  readonly redis?: NodeSource;
  /**
   * "synchronous" if that Redis runs with `appendfsync always`, and no replica takes over for it: then a restart forgets no token,
   * and its fences go on at once. Default "none": after a restart they refuse tokens that were issued before it or in the 10 s after.
   */
  readonly persistence?: 'none' | 'synchronous';
  /** The name of the workflow app, which is on the same Redis. Default "app", as of `createWorkflows`. */
  readonly app?: string;
  /**
   * Queues, feature stores and indexes as a program defines them, in the place of what is known of them in Redis: data are checked by
   * the schemas of queues, services derive features, searches have filters and words. The server does not close them.
   */
  readonly definitions?: Definitions;
  /** Begins every key in Redis, as in the options of the packages. Default none. */
  readonly prefix?: string;
  /** The address to listen on. Default 127.0.0.1. Any other than the loopback asks for `keys`, unless `insecure`. */
  readonly host?: string;
  /** The port to listen on; 0 takes a free one. Default 7400. */
  readonly port?: number;
  /**
   * A port of its own for `/healthz`, `/readyz`, `/metrics` and what scalers ask for, without keys and TLS: for a network that only
   * they reach. `host`: default that of the server. Default: none; they are on the port of the server alone.
   */
  readonly management?: { readonly port: number; readonly host?: string };
  /**
   * A port of its own for gRPC: feature reads and search (proto/holdfast/v1/holdfast.proto), with the same keys, rights, limits and
   * TLS. `host`: default that of the server. It needs @grpc/grpc-js and protobufjs, which are installed beside. Default: none.
   */
  readonly grpc?: { readonly port: number; readonly host?: string };
  /** The file of API keys, which is read again when it changes. Default: no keys are asked for. */
  readonly keys?: string;
  /**
   * The file of the key that seals handles, the same for all replicas, read again when it changes. Beyond the loopback it is
   * required, unless `insecure`. Default: a key of this process, so that a restart ends what was held by handles.
   */
  readonly serverKey?: string;
  /** Files for TLS, read again when they change; with `ca`, only clients with a certificate of it are let in. Default: none. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /**
   * Tokens of an issuer of OpenID Connect, beside keys. `groups`: the file that says what the groups of a token may do. `audience`:
   * for whom tokens of programs are. `algorithms`: default RS256, ES256, EdDSA. `signIn`: lets people sign in at the dashboard;
   * `url` is that of this server as browsers have it, `clientSecret` a file, `scope` default "openid groups". Default: none.
   */
  readonly issuer?: {
    readonly url: string;
    readonly audience: string;
    readonly groups: string;
    readonly algorithms?: readonly string[];
    readonly signIn?: {
      readonly clientId: string;
      readonly url: string;
      readonly clientSecret?: string;
      readonly scope?: string;
    };
  };
  /** Listens beyond the loopback without keys: everybody who reaches the server may do everything. Default false. */
  readonly insecure?: boolean;
  /** The hosts by which the server is reached, such as "holdfast.example.org". Default: localhost only, where there are no keys. */
  readonly hosts?: readonly string[];
  /** The most bytes that a body may have. Default 1048576. */
  readonly maxBody?: number;
  /**
   * How many requests a key may make in `per` ms at each replica; ten times as many that extend or end what it holds. Without
   * keys it is for each address. Default: any number.
   */
  readonly rate?: { readonly count: number; readonly per: number };
  /** Refuses what changes something; who holds a handle goes on with it. The file of keys can say so, too, at any time. Default false. */
  readonly readOnly?: boolean;
  /**
   * The file of the audit trail: who did what, when, and with which outcome. `most`: the most bytes before it becomes
   * "<file>.1"; default 67108864. `required`: whether what cannot be noted is refused; default false. Default: no trail.
   */
  readonly audit?: { readonly file: string; readonly most?: number; readonly required?: boolean };
  /**
   * The file of receivers to which webhooks may go, with the secrets that sign what is sent, read again when it changes. It needs
   * `redis` and `serverKey`. Default: no webhooks.
   */
  readonly webhooks?: string;
  /** How long Redis may take to answer, in ms. Default 5000. */
  readonly callTimeout?: number;
  /** How long `close` waits, after `/readyz` says that the server stops, before it takes no more requests, in ms. Default 0. */
  readonly drain?: number;
  /** How long `close` lets requests go on that are under way, in ms. Default 20000. */
  readonly grace?: number;
  /** Is told of each request, such as a logger of pino. Default: nobody. */
  readonly logger?: Logger;
  /** The clock. Default: the system's. */
  readonly clock?: Clock;
  /** The source of randomness. Default: the system's. */
  readonly random?: Random;
}

export const SERVER = {
  locks: optional(having<Locks>('acquire')),
  redis: passedOn<NodeSource | undefined>(),
  persistence: withDefault(oneOf('none', 'synchronous'), 'none'),
  app: withDefault(text('the name of an app'), 'app'),
  definitions: withDefault(
    group({
      queues: withDefault(list<Queue | PartitionedQueue>('a list of queues'), []),
      features: withDefault(list<Features>('a list of feature stores'), []),
      indexes: withDefault(list<VectorIndex>('a list of indexes'), []),
    } satisfies Readers<Definitions>),
    { queues: [], features: [], indexes: [] },
  ),
  prefix: withDefault(requirePrefix, ''),
  host: withDefault(text('an address'), '127.0.0.1'),
  port: withDefault(whole(0, 65_535), 7_400),
  management: optional(
    group({
      port: whole(0, 65_535),
      host: optional(text('an address')),
    } satisfies Readers<NonNullable<ServerOptions['management']>>),
  ),
  grpc: optional(
    group({
      port: whole(0, 65_535),
      host: optional(text('an address')),
    } satisfies Readers<NonNullable<ServerOptions['grpc']>>),
  ),
  keys: optional(text('the path of a file')),
  serverKey: optional(text('the path of a file')),
  tls: optional(
    group({
      cert: text('the path of a file'),
      key: text('the path of a file'),
      ca: optional(text('the path of a file')),
    } satisfies Readers<NonNullable<ServerOptions['tls']>>),
  ),
  issuer: optional(
    group({
      url: text('the URL of an issuer'),
      audience: text('an audience'),
      groups: text('the path of a file'),
      algorithms: withDefault(list<string>('a list of algorithms'), ['RS256', 'ES256', 'EdDSA']),
      signIn: optional(
        group({
          clientId: text('the id of a client'),
          url: text('the URL of this server'),
          clientSecret: optional(text('the path of a file')),
          scope: withDefault(text('scopes'), 'openid groups'),
        } satisfies Readers<NonNullable<NonNullable<ServerOptions['issuer']>['signIn']>>),
      ),
    } satisfies Readers<NonNullable<ServerOptions['issuer']>>),
  ),
  insecure: withDefault(flag, false),
  hosts: withDefault(list<string>('a list of hosts'), []),
  maxBody: withDefault(whole(1_024, 100_000_000), 1_048_576),
  rate: optional(
    group({ count: whole(1, 1_000_000), per: duration({ min: 1 }) } satisfies Readers<
      NonNullable<ServerOptions['rate']>
    >),
  ),
  readOnly: withDefault(flag, false),
  audit: optional(
    group({
      file: text('the path of a file'),
      most: withDefault(whole(1_024, 1e12), 67_108_864),
      required: withDefault(flag, false),
    } satisfies Readers<NonNullable<ServerOptions['audit']>>),
  ),
  webhooks: optional(text('the path of a file')),
  callTimeout: withDefault(duration({ min: 1 }), 5_000),
  drain: withDefault(duration(), 0),
  grace: withDefault(duration(), 20_000),
  logger: optional(having<Logger>('info')),
  clock: orSystemClock,
  random: orSystemRandom,
} satisfies Readers<ServerOptions>;

export type ServerSettings = Settings<typeof SERVER>;
