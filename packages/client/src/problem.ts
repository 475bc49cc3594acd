/**
 * What a server answers in the place of a result, as an error.
 */

/** A field of a request that is wrong. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** An answer of the server that is no success: `application/problem+json` (RFC 9457). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** The status of HTTP. */
  readonly status: number;
  /** As in docs/ERRORS.md, such as "HOLDFAST_UNAVAILABLE"; undefined where a proxy has answered. */
  readonly code: string | undefined;
  /** In how many ms it is worth asking again; undefined if the server does not say. */
  readonly retryAfter: number | undefined;
  readonly errors: readonly FieldProblem[];
  /** All that was answered. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const { detail, title, code, retryAfter, errors } = problem;
    super(String(detail ?? title ?? `the server answered ${status}`));
    this.status = status;
    this.code = typeof code === 'string' ? code : undefined;
    this.retryAfter = typeof retryAfter === 'number' ? retryAfter : undefined;
    this.errors = Array.isArray(errors) ? (errors as FieldProblem[]) : [];
    this.problem = problem;
  }

  /** What a stream ends with in the place of more events. */
  static from(data: unknown): ProblemError {
    const problem = typeof data === 'object' && data !== null ? { ...data } : {};
    return new ProblemError('status' in problem ? Number(problem.status) : 500, problem);
  }
}

/** The server could not be reached, or its answer broke off. Whether it did what was asked is not known. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** Reads the problem in an answer. Never throws: what is no problem of Holdfast's has its status alone. */
export async function problemIn(response: Response): Promise<ProblemError> {
  const text = await response.text().catch(() => '');
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  const given = Number.isFinite(after) ? { retryAfter: after * 1_000 } : {};
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === 'object' && problem !== null)
      return new ProblemError(response.status, { ...given, ...problem });
  } catch {
    // A proxy has answered: there is nothing to read.
  }
  return new ProblemError(response.status, given);
}
