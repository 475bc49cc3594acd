/**
 * From a request of HTTP to its answer. The main path of the server: the operation is found, the request is admitted and
 * carried out (admission.ts), and its answer is sent.
 *
 * Guarantees: whatever happens, the request is answered, with a problem if it was not carried out. A request whose client has
 * gone is aborted.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@holdfast/kernel';
import type { Logger } from '@holdfast/telemetry';
import { recordRequest } from '../observe/telemetry.js';
import type { Answer } from '../operations/operation.js';
import type { Admission, Progress } from './admission.js';
import { readBody } from './body.js';
import { addressOf } from './request-parts.js';
import { refuse, send } from './sending.js';

export interface AnsweringOptions {
  readonly admission: Admission;
  /** The most bytes of a body. */
  readonly maxBody: number;
  readonly logger: Logger | undefined;
  readonly clock: Clock;
}

export class Answering {
  readonly #options: AnsweringOptions;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  /** Answers a request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { admission, clock, logger } = this.#options;
    const progress = admission.begin();
    const address = addressOf(request);
    const recorded = recordRequest(request.headers, logger);
    let failure: unknown;
    try {
      const answer = await recorded.run(() => this.#carryOut(request, response, progress));
      progress.answer = answer;
      // A stream lives long; that it has begun is known now.
      if (answer.events) admission.note(progress, { address, status: answer.status });
      await send(request, response, answer);
    } catch (error) {
      failure = error;
      refuse(response, error);
    }
    const status = response.statusCode;
    if (!progress.answer?.events) admission.note(progress, { address, status, failure });
    recorded.ended({
      method: request.method ?? '',
      route: progress.operation?.path ?? 'unknown',
      ...{ status, took: clock.now() - progress.received, request: progress.number },
      keyId: progress.caller?.keyId,
      error: status >= 500 ? failure : undefined,
    });
  }

  async #carryOut(request: IncomingMessage, response: ServerResponse, progress: Progress): Promise<Answer> {
    const { admission, maxBody } = this.#options;
    const { method = 'GET', url = '/', headers } = request;
    const { operation, params, query } = admission.find(method, url);
    const asked = {
      operation,
      params,
      query,
      method,
      headers,
      address: addressOf(request),
      isWeb: true,
      body: () => readBody(request, maxBody),
      whenOver: (end: (isAnswered: boolean) => void) => whenOver(response, end),
    };
    return admission.carryOut(asked, progress);
  }
}

/** Calls `end` when the connection of a request closes, or was closed before. */
function whenOver(response: ServerResponse, end: (isAnswered: boolean) => void): void {
  const look = (): void => end(response.writableFinished);
  if (response.destroyed) look();
  else response.once('close', look);
}
