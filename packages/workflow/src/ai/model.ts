/**
 * A language model of the `ai` SDK whose calls are steps of a run.
 *
 * Guarantees: a call that was answered is not made again, whatever happens to the run; one that was under way when its worker
 * was lost is. Its steps are keyed by the model's number in the function and the number of the call, and compared by the
 * prompt: a replay that asks something else is stuck. Errors are tried again in the step, and are not retryable for the SDK.
 */
import { isNonRetryable, MisuseError, NonRetryableError, pause, systemClock } from '@holdfast/kernel';
import { trace } from '@opentelemetry/api';
import { Context } from '../machine/context.js';
import type { WorkflowContext } from '../machine/workflow-context.js';
import type { Step, StepOptions } from '../step/options.js';
import type { Budget } from './budget.js';
import { packed, unpacked } from './json.js';
import type { ModelLimits } from './limits.js';
import { type CallOptions, type LanguageModel, type Part, type Usage, usageOf } from './sdk.js';

export interface DurableModelOptions {
  /** The name of a stream of the run to which the texts that the model streams are written as they come. Default: none. */
  readonly stream?: string;
  /** How often a call is tried. Default 3. */
  readonly attempts?: number;
  readonly backoff?: Exclude<StepOptions['backoff'], undefined>;
  /** How long a call may take, in ms. Default: as long as it likes. */
  readonly timeout?: number;
  /** What all workers together may ask of the model in a minute. Default: as much as they like. */
  readonly limits?: ModelLimits;
  /** What the run may spend. Default: as much as it likes. */
  readonly budget?: Budget;
}

/** What the step of a call gives: the answer, or when it is this call's turn. */
type Answer =
  | { readonly answer: unknown; readonly usage: Usage }
  | { readonly reserved: string; readonly at: number };

/** Gives the answer to keep, and what it has used. */
type Ask = (step: Step, options: CallOptions) => Promise<{ readonly answer: unknown; readonly usage: Usage }>;

/** Longer waits park the run, in ms. */
const SHORT = 1_000;

/**
 * Call it in the workflow's function, once for each model that is used there; one call of it is made at a time. Throws
 * MisuseError.
 */
export function durableModel<M extends LanguageModel>(
  context: WorkflowContext,
  model: M,
  options: DurableModelOptions = {},
): M {
  const calls = new ModelCalls(context, model, options);
  return new Proxy(model, {
    get(target, name) {
      if (name === 'doGenerate') return (asked: CallOptions) => calls.generate(asked);
      if (name === 'doStream') return (asked: CallOptions) => calls.stream(asked);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

class ModelCalls {
  readonly #context: WorkflowContext;
  readonly #model: LanguageModel;
  readonly #options: DurableModelOptions;
  readonly #number: string;
  #calls = 0;
  #isOpen = false;

  constructor(context: WorkflowContext, model: LanguageModel, options: DurableModelOptions) {
    this.#context = context;
    this.#model = model;
    this.#options = options;
    this.#number = Context.takeNumber(context, `durableModel of ${model.modelId}`);
  }

  async generate(asked: CallOptions): Promise<unknown> {
    return this.#call('generate', asked, async (_step, options) => {
      const { request: _request, response, ...answer } = await this.#model.doGenerate(options);
      const { body: _body, headers: _headers, ...about } = response ?? {};
      return { answer: packed({ ...answer, response: about }), usage: usageOf(answer.usage) };
    });
  }

  async stream(asked: CallOptions): Promise<unknown> {
    const parts = await this.#call('stream', asked, async (step, options) => {
      const { stream } = (await this.#model.doStream(options)) as { stream: ReadableStream<Part> };
      return this.#take(step, stream);
    });
    return {
      stream: new ReadableStream({
        start(controller) {
          for (const part of parts as readonly Part[]) controller.enqueue(part);
          controller.close();
        },
      }),
    };
  }

  /** Reads the parts to their end, and tells of texts as they come. */
  async #take(step: Step, stream: ReadableStream<Part>): ReturnType<Ask> {
    const parts: Part[] = [];
    let usage: Usage = { input: 0, output: 0 };
    const out = this.#options.stream === undefined ? undefined : step.stream(this.#options.stream);
    for await (const part of stream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'raw') continue;
      if (part.type === 'finish') usage = usageOf(part.usage);
      if (part.type === 'text-delta' && part.delta) await out?.write(part.delta);
      const last = parts.at(-1);
      const isMore =
        last !== undefined && part.delta !== undefined && last.type === part.type && last.id === part.id;
      // A replay gives a text as one chunk.
      if (isMore) parts[parts.length - 1] = { ...last, delta: `${last.delta}${part.delta}` };
      else parts.push(part);
    }
    return { answer: packed(parts), usage };
  }

  async #call(kind: string, asked: CallOptions, ask: Ask): Promise<unknown> {
    const { budget } = this.#options;
    if (this.#isOpen) {
      throw new MisuseError(
        `The model ${this.#model.modelId} is asked while it answers; make a durableModel for each call that goes on at the same time.`,
      );
    }
    budget?.requireLeft();
    this.#isOpen = true;
    try {
      let reserved: string | undefined;
      for (;;) {
        const given = await this.#step(kind, asked, ask, reserved);
        if ('answer' in given) {
          budget?.spend(given.usage);
          return unpacked(given.answer);
        }
        reserved = given.reserved;
        await this.#context.sleepUntil(given.at);
      }
    } catch (error) {
      // It was tried often enough.
      if (typeof error === 'object' && error !== null) Object.assign(error, { isRetryable: false });
      throw error;
    } finally {
      this.#isOpen = false;
    }
  }

  #step(kind: string, asked: CallOptions, ask: Ask, reserved: string | undefined): Promise<Answer> {
    const { stream: _stream, limits, budget: _budget, ...tries } = this.#options;
    const { abortSignal, ...said } = asked;
    const key = `${this.#number}.${this.#calls}`;
    this.#calls += 1;
    const body = async (step: Step): Promise<Answer> => {
      const signal = abortSignal ? AbortSignal.any([abortSignal, step.signal]) : step.signal;
      const asking = () => this.#ask(kind, ask, step, { ...asked, abortSignal: signal });
      if (limits === undefined) return asking();
      // What was reserved by the step before is this one's, if it is its first attempt.
      const id =
        reserved !== undefined && step.attempt === 1 ? reserved : `${step.idempotencyKey}/${step.token}`;
      const place = await limits.reserve(id, this.#model.modelId, asked);
      if (place.wait > SHORT) return { reserved: id, at: place.at };
      await pause(systemClock, place.wait, step.signal);
      const answered = await asking();
      await limits.settle(id, this.#model.modelId, answered.usage);
      return answered;
    };
    return this.#context.step(`model ${this.#model.modelId}`, body, {
      ...tries,
      key,
      of: packed(said.prompt),
    });
  }

  async #ask(kind: string, ask: Ask, step: Step, options: CallOptions): ReturnType<Ask> {
    const span = trace.getActiveSpan();
    const { provider, modelId } = this.#model;
    span?.setAttributes({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.request.model': modelId,
      'holdfast.workflow.model_call': kind,
    });
    try {
      const answered = await ask(step, options);
      const { input, output } = answered.usage;
      span?.setAttributes({ 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output });
      return answered;
    } catch (error) {
      throw isFinal(error)
        ? new NonRetryableError(String((error as Error).message), { cause: error })
        : error;
    }
  }
}

/** Whether the SDK says of an error of a provider that trying again is of no use. */
function isFinal(error: unknown): boolean {
  if (isNonRetryable(error)) return false; // it says so itself
  return error instanceof Error && (error as { isRetryable?: unknown }).isRetryable === false;
}
