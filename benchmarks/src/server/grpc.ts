/** Asks a server by gRPC, with the client of grpc-js and what proto-loader makes of the file in `proto/`. Throws for an error. */
import { type Client, credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { inParallel } from '../features/stand.js';

const PROTO = new URL('../../../packages/server/proto', import.meta.url).pathname;

type Call = (message: object, answer: (error: ServiceError | null, body: unknown) => void) => void;

export class GrpcAsker {
  readonly #features: Client;
  readonly #vectors: Client;

  constructor(port: number) {
    const definition = loadSync('holdfast/v1/holdfast.proto', { includeDirs: [PROTO], longs: Number });
    // biome-ignore lint/suspicious/noExplicitAny: proto-loader-gen-types makes types.
    const { Features, Vectors } = (loadPackageDefinition(definition) as any).holdfast.v1;
    const address = `127.0.0.1:${port}`;
    this.#features = new Features(address, credentials.createInsecure());
    this.#vectors = new Vectors(address, credentials.createInsecure());
  }

  /** How long all reads of a service took, and each of them, in ms. */
  async readAll(
    message: object,
    { requests, most }: { readonly requests: number; readonly most: number },
  ): Promise<{ took: number; times: Float64Array }> {
    const times = new Float64Array(requests);
    const began = performance.now();
    await inParallel(requests, most, async (turn) => {
      const begin = performance.now();
      await this.#ask(this.#features, 'ReadService', message);
      times[turn] = performance.now() - begin;
    });
    return { took: performance.now() - began, times };
  }

  search(message: object): Promise<unknown> {
    return this.#ask(this.#vectors, 'Search', message);
  }

  close(): void {
    this.#features.close();
    this.#vectors.close();
  }

  #ask(client: Client, method: string, message: object): Promise<unknown> {
    const call = (client as unknown as Readonly<Record<string, Call>>)[method] as Call;
    return new Promise((resolve, reject) => {
      call.call(client, message, (error, body) => (error ? reject(error) : resolve(body)));
    });
  }
}
