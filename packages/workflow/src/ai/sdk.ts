/**
 * What is used of the `ai` SDK, versions 6 and 7, by its structure: nothing of it is imported.
 */

// biome-ignore lint/suspicious/noExplicitAny: options, prompts and parts of the SDK, which are passed on as they are.
type Sdk = any;

/** A language model of the SDK, specification v3 or v4. */
export interface LanguageModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: Sdk): PromiseLike<Sdk>;
  doStream(options: Sdk): PromiseLike<Sdk>;
}

/** Tools of the SDK, by their names. */
export type Tools = Readonly<Record<string, Sdk>>;

export interface CallOptions {
  readonly prompt: unknown;
  readonly maxOutputTokens?: number;
  readonly abortSignal?: AbortSignal;
}

export interface Part {
  readonly type: string;
  readonly id?: string;
  readonly delta?: string;
  readonly error?: unknown;
  readonly usage?: unknown;
}

/** Tokens of a call. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** Of a result's or a finish part's `usage`: v3 and v4 have totals in objects, older ones numbers. */
export function usageOf(usage: unknown): Usage {
  const { inputTokens, outputTokens } = (usage ?? {}) as { inputTokens?: unknown; outputTokens?: unknown };
  return { input: totalOf(inputTokens), output: totalOf(outputTokens) };
}

function totalOf(tokens: unknown): number {
  const total =
    typeof tokens === 'object' && tokens !== null ? (tokens as { total?: unknown }).total : tokens;
  return typeof total === 'number' && Number.isFinite(total) ? total : 0;
}
