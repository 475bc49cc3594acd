/**
 * Text for values that somebody's code has thrown.
 *
 * Guarantees: never throws, whatever the value is; the text has a bounded length.
 */

const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 4_000;

export function messageOf(thrown: unknown): string {
  const message = textOf(() => (thrown instanceof Error ? thrown.message : thrown));
  return cut(message ?? `a value that cannot be shown (${kindOf(thrown)})`, LONGEST_MESSAGE);
}

/** The stack of a thrown value; undefined if it has none. */
export function stackOf(thrown: unknown): string | undefined {
  const stack = attempt(() => (thrown instanceof Error ? thrown.stack : undefined));
  return typeof stack === 'string' ? cut(stack, LONGEST_STACK) : undefined;
}

/**
 * Whether the value says that trying again cannot help: by its code, which copies of this package and threads share.
 */
export function isNonRetryable(thrown: unknown): boolean {
  const code = attempt(() => (thrown as { code?: unknown } | null | undefined)?.code);
  return code === 'HOLDFAST_NON_RETRYABLE';
}

function textOf(read: () => unknown): string | undefined {
  return attempt(() => String(read()));
}

function kindOf(thrown: unknown): string {
  return attempt(() => Object.prototype.toString.call(thrown)) ?? typeof thrown;
}

/** The result of `read`; undefined if it throws. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
