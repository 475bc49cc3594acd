/**
 * From a call by gRPC to its answer: its operation is admitted and carried out as a request of HTTP is (http/admission.ts).
 *
 * Guarantees: every call is answered, with a status and a code of docs/ERRORS.md if it was not carried out. One whose deadline has
 * passed is answered so, and what it waits for is aborted.
 */
import type { Metadata, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Clock } from '@holdfast/kernel';
import type { Logger } from '@holdfast/telemetry';
import { RequestError } from '../errors.js';
import type { Admission, Progress } from '../http/admission.js';
import { problemOf } from '../http/problem.js';
import { recordCall } from '../observe/telemetry.js';
import type { Answer } from '../operations/operation.js';
import type { Method } from './methods.js';
import { Unreadable } from './protocol.js';
import { CODES, metadataOf, type Status, statusOf } from './status.js';

type Message = Readonly<Record<string, unknown>>;
type Unary = ServerUnaryCall<Message, unknown>;

export interface CallsOptions {
  readonly admission: Admission;
  /** Of the library. */
  readonly metadata: () => Metadata;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
}

/** What of the metadata is looked at: a browser's cookie is not. */
const HEADERS = ['authorization', 'traceparent', 'tracestate', 'baggage'];

function headersOf(metadata: Metadata): Readonly<Record<string, string>> {
  const found = HEADERS.flatMap((name) => {
    const [value] = metadata.get(name);
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return Object.fromEntries(found);
}

/** Without the port; of a socket that takes both versions, an address of version 4 as it is written elsewhere. */
const addressIn = (peer: string): string =>
  peer
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/, '');

/** Whose client has gone, or whose deadline has passed. */
const GONE = { status: 'CANCELLED', http: 499 } as const;

/** Who calls, and whether it was answered. */
interface Origin {
  readonly headers: Readonly<Record<string, string>>;
  readonly address: string;
  readonly isAnswered: () => boolean;
}

export class Calls {
  readonly #options: CallsOptions;
  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** What grpc-js calls for a method. Never rejects. */
  handlerOf(method: Method): (call: Unary, answer: sendUnaryData<unknown>) => Promise<void> {
    return async (call, answer) => {
      const { admission, clock, logger } = this.#options;
      const progress = admission.begin();
      const headers = headersOf(call.metadata);
      const address = addressIn(call.getPeer());
      const recorded = recordCall(headers, logger);
      let failure: unknown;
      let ended: { readonly status: Status; readonly http: number } = { status: 'OK', http: 200 };
      let isAnswered = false;
      const asked = { headers, address, isAnswered: () => isAnswered };
      try {
        const { body } = await recorded.run(() => this.#carryOut(call, method, { asked, progress }));
        isAnswered = !call.cancelled;
        answer(null, body);
      } catch (error) {
        failure = error;
        isAnswered = !call.cancelled;
        ended = this.#refuse(error, answer);
      }
      const { status, http } = isAnswered ? ended : GONE;
      admission.note(progress, { address, status: http, failure });
      recorded.ended({
        ...{ service: method.service, method: method.name, status, code: CODES[status] },
        ...{ took: clock.now() - progress.received, request: progress.number },
        keyId: progress.caller?.keyId,
        isFailure: http >= 500,
        error: http >= 500 ? failure : undefined,
      });
    };
  }

  async #carryOut(
    call: Unary,
    { operation, read }: Method,
    { asked, progress }: { readonly asked: Origin; readonly progress: Progress },
  ): Promise<Answer> {
    if (call.request instanceof Unreadable) throw new RequestError(call.request.why);
    const { params, body } = read(call.request);
    const { headers, address, isAnswered } = asked;
    return this.#options.admission.carryOut(
      {
        ...{ operation, params, query: {}, headers, address },
        ...{ method: operation.method, isWeb: false },
        body: async () => body,
        // Of grpc-js, a call is cancelled once it is over, however that came.
        whenOver(end: (isAnswered: boolean) => void) {
          if (call.cancelled) end(false);
          else call.once('cancelled', () => end(isAnswered()));
        },
      },
      progress,
    );
  }

  #refuse(
    error: unknown,
    answer: sendUnaryData<unknown>,
  ): { readonly status: Status; readonly http: number } {
    const problem = problemOf(error);
    const metadata = this.#options.metadata();
    for (const [name, value] of Object.entries(metadataOf(problem))) metadata.set(name, value);
    const status = statusOf(problem);
    answer({ code: CODES[status], details: problem.detail, metadata });
    return { status, http: problem.status };
  }
}
