/**
 * The port for gRPC: feature reads and search, and the health of the server.
 *
 * Guarantees: a call goes through what a request of HTTP goes through. With TLS, the certificate is that of the HTTP port, and
 * is replaced when that is. When the server stops, calls that are under way end; no connection is left afterwards.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, isIP, type Server, type Socket } from 'node:net';
import type { Server as Library, ServerCredentials } from '@grpc/grpc-js';
import { type Clock, MisuseError, messageOf } from '@holdfast/kernel';
import type { Logger } from '@holdfast/telemetry';
import type { Admission } from '../http/admission.js';
import type { Tls } from '../http/tls.js';
import { Calls } from './calls.js';
import { HealthService } from './health.js';
import { METHODS } from './methods.js';
import { type GrpcLibrary, loadProtocol, type Protocol } from './protocol.js';

export interface GrpcOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly admission: Admission;
  /** Undefined for connections without it. */
  readonly tls: Tls | undefined;
  /** The most bytes of a message. */
  readonly maxBody: number;
  readonly isServing: () => boolean;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
}

const MOST_CONNECTIONS = 20_000;
/** At a time, of a connection. */
const MOST_CALLS = 1_000;
/**
 * In ms. Who says nothing is asked whether it is there. A connection that is old is ended once its calls are: the client finds
 * the replicas anew, also those that were added; calls whose requests do not arrive are cut then.
 */
const TIMES = {
  ...{ 'grpc.keepalive_time_ms': 60_000, 'grpc.keepalive_timeout_ms': 20_000 },
  ...{ 'grpc.max_connection_age_ms': 600_000, 'grpc.max_connection_age_grace_ms': 60_000 },
};

export class GrpcPort {
  readonly #net: Server;
  readonly #library: Library;
  readonly #health: HealthService;
  readonly #clock: Clock;
  readonly #isSecure: boolean;
  readonly #sockets = new Set<Socket>();
  #isClosed = false;

  /** Begins to listen. Rejects with MisuseError if it cannot, or a library is missing. */
  static async listen(options: GrpcOptions): Promise<GrpcPort> {
    const protocol = await loadProtocol();
    const port = new GrpcPort(options, protocol);
    try {
      port.#net.listen(options.port, options.host);
      await once(port.#net, 'listening');
    } catch (cause) {
      port.#library.forceShutdown();
      throw new MisuseError(
        `Nothing can listen on ${options.host}:${options.port} for gRPC: ${messageOf(cause)}. Choose another port.`,
        { cause },
      );
    }
    return port;
  }

  private constructor(options: GrpcOptions, { grpc, serviceOf }: Protocol) {
    const { admission, tls, maxBody, isServing, logger, clock } = options;
    this.#clock = clock;
    this.#isSecure = tls !== undefined;
    const services = [...new Set(METHODS.map(({ service }) => service))];
    this.#health = new HealthService({ services, isServing, clock });
    const calls = new Calls({ admission, logger, clock, metadata: () => new grpc.Metadata() });
    const library = new grpc.Server({
      'grpc.max_receive_message_length': maxBody,
      'grpc.max_concurrent_streams': MOST_CALLS,
      'grpc.enable_channelz': 0,
      ...TIMES,
    });
    for (const name of services) {
      const methods = METHODS.filter(({ service }) => service === name);
      const handlers = methods.map((method) => [method.name, calls.handlerOf(method)] as const);
      library.addService(serviceOf(name), Object.fromEntries(handlers));
    }
    library.addService(serviceOf('grpc.health.v1.Health'), {
      ...{ Check: this.#health.Check, Watch: this.#health.Watch },
    });
    this.#library = library;
    const injector = library.createConnectionInjector(credentialsOf(grpc, tls));
    this.#net = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket)).on('error', () => {});
      injector.injectConnection(socket);
    });
    this.#net.maxConnections = MOST_CONNECTIONS;
  }

  /** Such as "127.0.0.1:7402", as clients take it; with TLS "https://…" says so. */
  get url(): string {
    const { address, port } = this.#net.address() as AddressInfo;
    return `${this.#isSecure ? 'https' : 'http'}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
  }

  /** Tells those who watch the health of the server that it stops. */
  stopping(): void {
    this.#health.look();
  }

  /** Takes no more calls, lets those under way end for `grace` ms, and ends all connections. */
  async close(grace: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#health.close();
    const closed = once(this.#net, 'close');
    this.#net.close();
    await new Promise<void>((resolve) => {
      const cut = this.#clock.after(grace, () => resolve());
      this.#library.tryShutdown(() => {
        cut.cancel();
        resolve();
      });
    });
    this.#library.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Credentials that follow the files of the certificate. */
function credentialsOf(grpc: GrpcLibrary, tls: Tls | undefined): ServerCredentials {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure();
  const { requestCert, rejectUnauthorized, ...content } = tls.options;
  class Followed extends grpc.ServerCredentials {
    constructor() {
      super({ requestCert, rejectUnauthorized }, content);
      (tls as Tls).follow((changed) => this.updateSecureContextOptions(changed));
    }

    override _equals(other: ServerCredentials): boolean {
      return this === other;
    }
  }
  return new Followed();
}
