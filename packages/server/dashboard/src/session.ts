/**
 * Who looks at the dashboard, and what the server lets them do.
 *
 * Guarantees: it only decides what is shown. The server checks every call by itself.
 */
import { signal } from '@preact/signals';
import { call, type Problem, type Session, wordsOf } from './api.js';

/** Undefined while it is not known, or while nobody is signed in. */
export const session = signal<Session | undefined>(undefined);

/** Why there is no session. */
export const refusal = signal<Problem | undefined>(undefined);

export async function readSession(): Promise<void> {
  try {
    session.value = await call<Session>('GET', '/v1/session');
    refusal.value = undefined;
  } catch (error) {
    refusal.value = error as Problem;
    if (refusal.value.status === 401) session.value = undefined;
  }
}

/** Whether people are signed in by an issuer, too: then that operation leads there. */
export async function hasIssuer(): Promise<boolean> {
  const answer = await fetch('/v1/session/oidc', { redirect: 'manual' }).catch(() => undefined);
  return answer?.type === 'opaqueredirect';
}

/** Resolves to why it was refused. */
export async function signIn(key: string): Promise<string | undefined> {
  try {
    await call('POST', '/v1/session', undefined, { authorization: `Bearer ${key}` });
  } catch (error) {
    return wordsOf(error as Problem);
  }
  await readSession();
  return undefined;
}

/** The page is loaded again, so that nothing stays that was seen. */
export async function signOut(): Promise<void> {
  await call('DELETE', '/v1/session').catch(() => {});
  location.assign('/');
}

const fits = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** Whether the session has a right, such as "queues:admin", for a name. */
export function may(right: string, name: string): boolean {
  const [wanted, action] = right.split(':');
  return (session.value?.scopes ?? []).some(
    (scope) =>
      (scope.system === '*' || scope.system === wanted) &&
      (scope.action === '*' || scope.action === action) &&
      fits(scope.pattern, name),
  );
}

const CHANGES = ['write', 'admin', 'work', 'approve', '*'];

export const isReadOnly = (): boolean =>
  !(session.value?.scopes ?? []).some(({ action }) => CHANGES.includes(action));
