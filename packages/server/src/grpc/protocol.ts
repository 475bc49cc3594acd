/**
 * The libraries of gRPC, which are loaded only where a port for it is configured, and the messages of the files in `proto/`.
 *
 * Guarantees: where a library is not installed, a MisuseError says which one to install. A message that was decoded has what
 * was sent, and no defaults; what cannot be decoded is handed on as `Unreadable`, so that the caller is told as for other errors.
 */
import { fileURLToPath } from 'node:url';
import type * as Grpc from '@grpc/grpc-js';
import { MisuseError, messageOf } from '@holdfast/kernel';
import type Protobuf from 'protobufjs';

const FILES = ['holdfast/v1/holdfast.proto', 'grpc/health/v1/health.proto'].map((path) =>
  fileURLToPath(new URL(`../../proto/${path}`, import.meta.url)),
);

export type GrpcLibrary = typeof Grpc;

export interface Protocol {
  readonly grpc: GrpcLibrary;
  /** The methods of a service, such as "holdfast.v1.Features", as grpc-js takes them. */
  readonly serviceOf: (name: string) => Grpc.ServiceDefinition;
}

/** Loads both. Rejects with MisuseError. */
export async function loadProtocol(): Promise<Protocol> {
  const { grpc, protobuf } = await libraries();
  const root = await new protobuf.Root().load(FILES);
  root.resolveAll();
  return { grpc, serviceOf: (name) => definitionOf(root.lookupService(name)) };
}

async function libraries(): Promise<{ grpc: GrpcLibrary; protobuf: typeof Protobuf }> {
  try {
    const [grpc, { default: protobuf }] = await Promise.all([import('@grpc/grpc-js'), import('protobufjs')]);
    return { grpc, protobuf };
  } catch (cause) {
    throw new MisuseError(
      `A port for gRPC needs @grpc/grpc-js and protobufjs beside @holdfast/server; install them: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** In the place of a message that cannot be decoded. */
export class Unreadable {
  /** Says why. */
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** As messages are decoded: without defaults, and with the name of what is set where one of several is. */
const DECODED = { longs: Number, oneofs: true };

function definitionOf(service: Protobuf.Service): Grpc.ServiceDefinition {
  const methods = service.methodsArray.map((method) => {
    const { name, resolvedRequestType, resolvedResponseType, requestStream, responseStream } = method;
    const [request, response] = [resolvedRequestType, resolvedResponseType] as Protobuf.Type[];
    return [
      name,
      {
        path: `/${service.fullName.slice(1)}/${name}`,
        ...{ requestStream: requestStream === true, responseStream: responseStream === true },
        ...codecOf('request', request as Protobuf.Type),
        ...codecOf('response', response as Protobuf.Type),
      },
    ] as const;
  });
  return Object.fromEntries(methods) as unknown as Grpc.ServiceDefinition;
}

const codecOf = (of: 'request' | 'response', type: Protobuf.Type) => ({
  [`${of}Serialize`]: (message: object) => Buffer.from(type.encode(message).finish()),
  [`${of}Deserialize`](bytes: Uint8Array): object {
    try {
      return type.toObject(type.decode(bytes), DECODED);
    } catch (error) {
      return new Unreadable(`The request is no ${type.name} of the .proto file: ${messageOf(error)}.`);
    }
  },
});
