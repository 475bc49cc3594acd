/**
 * The server. The main path: `createServer`, `listen`, and `close` in the end.
 *
 * Guarantees: it keeps nothing that a restart would lose, so any replica answers any request. It does not listen beyond the
 * loopback without keys. `close` lets requests that are under way end, within the grace; those that wait are answered at
 * once, and no connection is left afterwards.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, isIP } from 'node:net';
import { type Clock, MisuseError, messageOf, pause, readOptions } from '@holdfast/kernel';
import { Authenticator } from './auth/authenticator.js';
import { KeyFile } from './auth/keys.js';
import { People } from './auth/people.js';
import { Sealer } from './auth/sealer.js';
import { GrpcPort } from './grpc/listen.js';
import { Admission } from './http/admission.js';
import { Answering } from './http/answering.js';
import { Dashboard } from './http/dashboard.js';
import { Management, managed } from './http/management.js';
import { Tls } from './http/tls.js';
import { Audit } from './observe/audit.js';
import { Systems } from './operations/systems.js';
import { OPERATIONS } from './operations/table.js';
import { SERVER, type ServerOptions, type ServerSettings } from './options.js';
import { ReceiverFile } from './webhooks/receivers.js';

/** Made by `createServer`. */
export interface Server extends AsyncDisposable {
  /**
   * Begins to listen. Resolves to the URL. Throws MisuseError where keys cannot be read or are missing, or the port is in use.
   */
  listen(): Promise<string>;
  /** The URL of the management port; undefined if there is none, or it does not listen. */
  readonly managementUrl: string | undefined;
  /** The URL of the port for gRPC, of which clients take host and port; undefined if there is none, or it does not listen. */
  readonly grpcUrl: string | undefined;
  /** Stops: takes no more requests, and resolves when those that are under way have ended. */
  close(): Promise<void>;
}

/** Creates a server; nothing connects and nothing listens yet. Throws MisuseError for options that cannot work. */
export function createServer(options: ServerOptions): Server {
  const settings = readOptions('createServer', options, SERVER);
  requireKeysBeyondLoopback(settings);
  requireWhatWebhooksNeed(settings);
  return new ListeningServer(settings);
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function requireKeysBeyondLoopback(settings: ServerSettings): void {
  const { keys, issuer, serverKey, insecure, grpc } = settings;
  const host = [settings.host, grpc?.host].find((each) => each !== undefined && !isLoopback(each));
  if (host === undefined || insecure) return;
  const asks = keys !== undefined || issuer !== undefined;
  if (asks && serverKey !== undefined) return;
  if (asks) {
    throw new MisuseError(
      `Beyond the loopback the server needs a key that seals handles, the same for all replicas: give it a file as serverKey, which "holdfast keys server" makes.`,
    );
  }
  throw new MisuseError(
    `Without keys the server listens on 127.0.0.1 only, not on ${host}: give it a file of keys ("holdfast keys create" makes them), or say that it is to be insecure.`,
  );
}

/** What waits in Redis to be sent is sealed with the server key: every replica sends it, also after a restart. */
function requireWhatWebhooksNeed({ webhooks, redis, serverKey }: ServerSettings): void {
  if (webhooks === undefined || (redis !== undefined && serverKey !== undefined)) return;
  throw new MisuseError(
    'Webhooks need a Redis, and a file of a key that seals what waits there, the same for all replicas: give the server redis and serverKey, which "holdfast keys server" makes.',
  );
}

/** Limits of a connection, in ms. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000 };
const MOST_CONNECTIONS = 20_000;

function serveSecurely(tls: Tls, options: object, answer: RequestListener): HttpServer {
  const http = createHttpsServer({ ...options, ...tls.options }, answer);
  tls.follow((content) => http.setSecureContext(content));
  return http;
}

/** Those whom tokens are about, and how they sign in, where they do. Rejects with MisuseError. */
async function openPeople(
  { url, signIn, ...options }: NonNullable<ServerSettings['issuer']>,
  clock: Clock,
  systems: Systems,
): Promise<People> {
  const people = await People.open({ ...options, issuer: url }, clock);
  if (!signIn) return people;
  const { clientSecret: path, ...others } = signIn;
  if (!URL.canParse(others.url))
    throw new MisuseError(
      'The URL by which browsers reach this server is one such as https://holdfast.example.org.',
    );
  const clientSecret = path === undefined ? undefined : (await readFile(path, 'utf8')).trim();
  systems.signIn = { ...others, people, clientSecret: () => clientSecret };
  return people;
}

class ListeningServer implements Server {
  readonly #settings: ServerSettings;
  readonly #systems: Systems;
  #keys: KeyFile | undefined;
  #people: People | undefined;
  #tls: Tls | undefined;
  #sealer: Sealer | undefined;
  #audit: Audit | undefined;
  #admission: Admission | undefined;
  #authenticator: Authenticator | undefined;
  #management: Management | undefined;
  #grpc: GrpcPort | undefined;
  #http: HttpServer | undefined;
  #hasBegun = false;
  #closing: Promise<void> | undefined;
  /** Requests whose answers have not been sent to their ends. */
  #underWay = 0;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
    this.#systems = new Systems(settings);
  }

  async listen(): Promise<string> {
    if (this.#hasBegun || this.#closing) throw new MisuseError('A server listens once; create another.');
    this.#hasBegun = true;
    try {
      return await this.#listen();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #listen(): Promise<string> {
    const { keys: path, serverKey, prefix, clock, host, port, hosts, maxBody, rate, logger } = this.#settings;
    const { tls: files, issuer } = this.#settings;
    const { audit: trail, readOnly } = this.#settings;
    const audit = trail && new Audit({ path: trail.file, most: trail.most, clock });
    this.#audit = audit;
    const onRead = (count: number): void =>
      audit?.note({ operation: 'keys.read', names: { keys: String(count) } });
    const keys = path === undefined ? undefined : await KeyFile.open(path, clock, onRead);
    this.#keys = keys;
    const sealer = await Sealer.open(serverKey, [prefix], clock);
    this.#sealer = sealer;
    const tls = files && (await Tls.open(files, clock));
    this.#tls = tls;
    const people = issuer && (await openPeople(issuer, clock, this.#systems));
    this.#people = people;
    this.#systems.opened(sealer, () => keys?.problem ?? people?.problem ?? sealer.problem);
    await this.#openWebhooks();
    const systems = this.#systems;
    const authenticator = new Authenticator({
      ...{ keys, people, sealer, clock },
      hosts: hosts.map((name) => name.toLowerCase()),
    });
    this.#authenticator = authenticator;
    const admission = new Admission({
      ...{ operations: OPERATIONS, systems, rate, clock, audit, authenticator },
      auditRequired: trail?.required ?? false,
      isReadOnly: () => readOnly || keys?.readOnly === true,
    });
    this.#admission = admission;
    const answering = new Answering({ admission, maxBody, logger, clock });
    await this.#listenForManagement();
    await this.#listenForGrpc(admission);
    const dashboard = await Dashboard.open();
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#underWay += 1;
      response.once('close', () => {
        this.#underWay -= 1;
        this.#closeIdle();
      });
      if (!dashboard.answer(request, response)) void answering.answer(request, response);
    };
    const options = { ...TIMES, maxHeaderSize: 16_384 };
    const http = tls ? serveSecurely(tls, options, answer) : createHttpServer(options, answer);
    http.maxConnections = MOST_CONNECTIONS;
    this.#http = http;
    try {
      http.listen(port, host);
      await once(http, 'listening');
    } catch (cause) {
      throw new MisuseError(`Nothing can listen on ${host}:${port}: ${messageOf(cause)}. Choose another.`, {
        cause,
      });
    }
    const { port: chosen } = http.address() as AddressInfo;
    return `${tls ? 'https' : 'http'}://${isIP(host) === 6 ? `[${host}]` : host}:${chosen}`;
  }

  get managementUrl(): string | undefined {
    return this.#management?.url;
  }

  async #listenForManagement(): Promise<void> {
    const { management, host, clock, maxBody, logger } = this.#settings;
    if (management === undefined) return;
    const admission = new Admission({
      ...{ operations: managed(OPERATIONS), systems: this.#systems, clock },
      ...{ authenticator: this.#authenticator as Authenticator, rate: undefined },
      ...{ audit: undefined, auditRequired: false, isReadOnly: () => false },
    });
    const answering = new Answering({ admission, maxBody, logger, clock });
    this.#management = await Management.listen(
      { port: management.port, host: management.host ?? host },
      answering,
    );
  }

  get grpcUrl(): string | undefined {
    return this.#grpc?.url;
  }

  async #listenForGrpc(admission: Admission): Promise<void> {
    const { grpc, host, clock, maxBody, logger } = this.#settings;
    if (grpc === undefined) return;
    this.#grpc = await GrpcPort.listen({
      ...{ port: grpc.port, host: grpc.host ?? host },
      ...{ admission, tls: this.#tls, clock, maxBody, logger },
      isServing: () => this.#systems.problems().length === 0,
    });
  }

  async #openWebhooks(): Promise<void> {
    const { webhooks, clock, logger } = this.#settings;
    if (webhooks === undefined) return;
    const receivers = await ReceiverFile.open(webhooks, clock);
    this.#systems.openWebhooks(receivers, (error) =>
      logger?.error?.({ error: messageOf(error) }, 'webhooks'),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, drain, grace } = this.#settings;
    const http = this.#http;
    this.#systems.stopping();
    this.#grpc?.stopping();
    if (http?.listening) await pause(clock, drain);
    const grpcClosed = this.#grpc?.close(grace);
    if (http?.listening) {
      const closed = once(http, 'close');
      http.close();
      this.#admission?.stop();
      this.#closeIdle();
      const cut = clock.after(grace, () => http.closeAllConnections());
      await closed;
      cut.cancel();
    }
    await grpcClosed;
    this.#grpc = undefined;
    await this.#management?.close();
    this.#management = undefined;
    this.#keys?.close();
    this.#people?.close();
    this.#tls?.close();
    this.#sealer?.close();
    this.#audit?.close();
    await this.#systems.close();
  }

  /** Connections that are kept, and those that clients open in advance, would hold up the end of the server. */
  #closeIdle(): void {
    if (this.#http?.listening !== false) return;
    if (this.#underWay === 0) this.#http.closeAllConnections();
    else this.#http.closeIdleConnections();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
