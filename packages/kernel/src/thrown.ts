/**
 * Text for values that somebody's code has thrown.
 *
 * Guarantees: never throws, whatever the value is; the text has a bounded length.
 */

const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 4_000;

export function messageOf(thrown: unknown): string {
  const message = textOf(() => wordsOf(thrown));
  return cut(message ?? `a value that cannot be shown (${kindOf(thrown)})`, LONGEST_MESSAGE);
}

/** The message of an error, or of an object that is none; the JSON of other objects, which show nothing as text. */
function wordsOf(thrown: unknown): unknown {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown !== 'object' || thrown === null) return thrown;
  const { message } = thrown as { readonly message?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  const json = attempt(() => JSON.stringify(thrown));
  return json === undefined || json === '{}' ? thrown : json;
}

/** How deep causes are followed, and how many are shown. */
const DEEPEST = 5;
const MOST_CAUSES = 10;
const LONGEST_CAUSE = 300;

/**
 * What is behind an error: its causes, and the errors of an AggregateError, a line each, those of the outermost first.
 * Undefined if there is nothing.
 */
export function causesOf(thrown: unknown): string | undefined {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  const follow = (error: unknown, depth: number): void => {
    seen.add(error);
    for (const [word, inner] of behind(error)) {
      if (depth > DEEPEST || lines.length >= MOST_CAUSES || seen.has(inner)) return;
      lines.push(`${'  '.repeat(depth)}${word} ${cut(`${nameOf(inner)}${messageOf(inner)}`, LONGEST_CAUSE)}`);
      follow(inner, depth + 1);
    }
  };
  follow(thrown, 0);
  return lines.length === 0 ? undefined : lines.join('\n');
}

function behind(error: unknown): readonly (readonly [word: string, inner: unknown])[] {
  const errors = attempt(() => (error instanceof AggregateError ? [...error.errors] : []));
  const cause = attempt(() => (error instanceof Error ? error.cause : undefined));
  return [
    ...(errors ?? []).slice(0, MOST_CAUSES).map((inner) => ['with', inner] as const),
    ...(cause === undefined ? [] : [['caused by', cause] as const]),
  ];
}

/** "TypeError: " */
function nameOf(thrown: unknown): string {
  const name = attempt(() => (thrown instanceof Error ? String(thrown.name) : ''));
  return name ? `${name}: ` : '';
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
