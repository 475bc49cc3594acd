/** The options of `holdfast serve`: each has a variable, so that a container needs no flags. */
import { type Option, REDIS } from '../../options.js';

export const SERVED_REDIS: Option = {
  ...REDIS,
  required: false,
  about: 'The Redis of the queues. Without it, the server has none.',
};

export const SERVED_PERSISTENCE: Option = {
  name: 'redis-persistence',
  value: '<kind>',
  env: 'HOLDFAST_REDIS_PERSISTENCE',
  default: 'none',
  about:
    '"synchronous" if that Redis runs with appendfsync always, and no replica takes over for it: a restart then forgets no token.',
};

export const SERVED_APP: Option = {
  name: 'app-name',
  value: '<name>',
  env: 'HOLDFAST_APP',
  default: 'app',
  about: 'The name of the workflow app, on the same Redis.',
};

export const SERVED_PROGRAM: Option = {
  name: 'app',
  value: '<file>',
  env: 'HOLDFAST_PROGRAM',
  about:
    'A module whose default export has the "queues", "features" and "indexes" of a program: their schemas, derived features, filters and words are used. Default: what is known in Redis.',
};

export const HOST: Option = {
  name: 'host',
  value: '<address>',
  env: 'HOLDFAST_HOST',
  default: '127.0.0.1',
  about: 'The address to listen on. Any other than the loopback asks for --keys.',
};

export const SERVE_PORT: Option = {
  name: 'port',
  value: '<port>',
  env: 'HOLDFAST_PORT',
  default: '7400',
  about: 'The port to listen on; 0 takes a free one.',
};

export const MANAGEMENT_PORT: Option = {
  name: 'management-port',
  value: '<port>',
  env: 'HOLDFAST_MANAGEMENT_PORT',
  about:
    'A port for /healthz, /readyz, /metrics and what scalers ask for, without keys and TLS, for a network that only they reach. Default: none.',
};

export const GRPC_PORT: Option = {
  name: 'grpc-port',
  value: '<port>',
  env: 'HOLDFAST_GRPC_PORT',
  about:
    'A port for feature reads and search by gRPC, with the same keys and TLS; 0 takes a free one. It needs @grpc/grpc-js and protobufjs. Default: none.',
};

export const KEYS: Option = {
  name: 'keys',
  value: '<file>',
  env: 'HOLDFAST_KEYS',
  about: 'The file of API keys, read again when it changes; "holdfast keys create" makes them.',
};

export const SERVER_KEY: Option = {
  name: 'server-key',
  value: '<file>',
  env: 'HOLDFAST_SERVER_KEY',
  about:
    'The file of the key that seals handles, the same for all replicas; "holdfast keys server" makes one. Beyond the loopback it is required.',
};

export const SERVED_RATE: Option = {
  name: 'rate',
  value: '<count>/<duration>',
  env: 'HOLDFAST_RATE',
  about: 'How many requests a key may make in a time at each replica, such as 100/1s. Default: any number.',
};

export const PUBLIC_URL: Option = {
  name: 'public-url',
  value: '<url,…>',
  env: 'HOLDFAST_PUBLIC_URL',
  about: 'The URLs by which browsers reach the server.',
};

export const INSECURE: Option = {
  name: 'insecure',
  about: 'Listen beyond the loopback without keys: everybody who reaches it may do everything.',
};

export const READ_ONLY: Option = {
  name: 'read-only',
  about:
    'Change nothing; who holds a handle goes on with it. "holdfast keys freeze" says so while servers run.',
};

export const AUDIT: Option = {
  name: 'audit',
  value: '<file>',
  env: 'HOLDFAST_AUDIT',
  about:
    'The file of the audit trail: who did what, when, and with which outcome. At 64 MiB it becomes "<file>.1".',
};

export const AUDIT_REQUIRED: Option = {
  name: 'audit-required',
  about: 'Refuse what the audit trail cannot take.',
};

export const WEBHOOKS: Option = {
  name: 'webhooks',
  value: '<file>',
  env: 'HOLDFAST_WEBHOOKS',
  about:
    'The file of receivers to which webhooks may go, with their secrets; it needs --redis and --server-key. Default: no webhooks.',
};

export const DRAIN: Option = {
  name: 'drain',
  value: '<duration>',
  env: 'HOLDFAST_DRAIN',
  default: '5s',
  about: 'How long to go on after SIGTERM, while /readyz says that it stops.',
};

export const STOP_GRACE: Option = {
  name: 'grace',
  value: '<duration>',
  env: 'HOLDFAST_GRACE',
  default: '20s',
  about: 'How long requests that are under way may then go on.',
};

export const TLS_CERT: Option = {
  name: 'tls-cert',
  value: '<file>',
  env: 'HOLDFAST_TLS_CERT',
  about: 'The certificate of the server, read again when it changes. Default: no TLS.',
};

export const TLS_KEY: Option = {
  name: 'tls-key',
  value: '<file>',
  env: 'HOLDFAST_TLS_KEY',
  about: 'Its key.',
};

export const TLS_CA: Option = {
  name: 'tls-ca',
  value: '<file>',
  env: 'HOLDFAST_TLS_CA',
  about: 'The authority of clients: only those with a certificate of it are let in. Default: everybody.',
};

export const ISSUER: Option = {
  name: 'issuer',
  value: '<url>',
  env: 'HOLDFAST_ISSUER',
  about: 'The issuer of OpenID Connect whose tokens are accepted, beside keys.',
};

export const AUDIENCE: Option = {
  name: 'audience',
  value: '<name>',
  env: 'HOLDFAST_AUDIENCE',
  default: 'holdfast',
  about: 'For whom those tokens are.',
};

export const GROUPS: Option = {
  name: 'groups',
  value: '<file>',
  env: 'HOLDFAST_GROUPS',
  about: 'The file that says what the groups of a token may do, read again when it changes.',
};

export const CLIENT_ID: Option = {
  name: 'client-id',
  value: '<id>',
  env: 'HOLDFAST_CLIENT_ID',
  about: 'Lets people sign in by the issuer, where the server has this id. Asks for --public-url.',
};

export const CLIENT_SECRET: Option = {
  name: 'client-secret',
  value: '<file>',
  env: 'HOLDFAST_CLIENT_SECRET',
  about: 'The file of the secret of that id. Default: none.',
};

/** Those of TLS, and of tokens. */
export const TRUST: readonly Option[] = [
  ...[TLS_CERT, TLS_KEY, TLS_CA],
  ...[ISSUER, AUDIENCE, GROUPS, CLIENT_ID, CLIENT_SECRET],
];
