/**
 * Fencing for Hono 4: a middleware.
 *
 * Guarantees: those of the check (check.ts). `c.get('fencing')` is the sealed holder. A StaleTokenError,
 * IssuerMismatchError or UnavailableError of the handler is answered with its problem, in place of the answer that
 * `app.onError` made of it. Hono is described here by its shapes and not imported.
 */
import type { TokenClaim } from '@holdfast/kernel';
import { createFencingCheck, type FencingOptions } from './check.js';
import { type Problem, problemOf } from './problem.js';

export interface HonoContextLike {
  readonly req: {
    readonly method: string;
    header(name: string): string | undefined;
    // biome-ignore lint/suspicious/noExplicitAny: its type depends on the path that the user declares
    param(name: string): any;
  };
  // biome-ignore lint/suspicious/noExplicitAny: its overloads depend on the variables that the user declares
  set(...args: any[]): void;
  readonly error: Error | undefined;
  res: Response;
}

/** A middleware that lets requests through when their token is not stale, and sets the variable `fencing`. */
export function honoFencing<Context extends HonoContextLike, S extends TokenClaim>(
  options: FencingOptions<Context, S>,
): (c: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  const check = createFencingCheck(options);
  return async (c, next) => {
    const { problem, fencing } = await check(c, c.req);
    if (problem) return responseOf(problem);
    c.set('fencing', fencing);
    await next();
    const late = problemOf(c.error);
    if (late) c.res = responseOf(late);
    return undefined;
  };
}

const responseOf = ({ status, headers, body }: Problem): Response => new Response(body, { status, headers });
