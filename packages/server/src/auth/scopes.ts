/**
 * Scopes: what a key may do, and with what. `queues:write=images-*` is the right to write to the queues whose names begin
 * with "images-".
 *
 * Guarantees: a scope that cannot be read is refused, not ignored. A pattern is an exact name, "*", or a beginning that
 * ends at a separator and "*", so that "account*" does not also mean "accounts".
 */
import { display, MisuseError } from '@holdfast/kernel';

const SYSTEMS = [
  'locks',
  'queues',
  'workflows',
  'features',
  'vectors',
  'events',
  'webhooks',
  'product',
  'metrics',
] as const;
const ACTIONS = ['read', 'write', 'work', 'admin', 'data', 'approve'] as const;

type System = (typeof SYSTEMS)[number];
type Action = (typeof ACTIONS)[number];

/** What an operation asks for. */
export type Right = `${System}:${Action}`;

/** A scope that was read. */
export interface Scope {
  readonly system: System | '*';
  readonly action: Action | '*';
  /** A name, or a beginning followed by "*". */
  readonly pattern: string;
}

const FORM = /^(\*|[a-z]+):(\*|[a-z]+)(?:=(.+))?$/su;
const PATTERN = /^(?:\*|[^*]*[:/\-_.]\*|[^*]+)$/su;

/** Reads a scope. Throws MisuseError. */
export function readScope(text: unknown): Scope {
  if (text === '*') return { system: '*', action: '*', pattern: '*' };
  const [, system = '', action = '', pattern = '*'] = (typeof text === 'string' && FORM.exec(text)) || [];
  const isKnown =
    (system === '*' || SYSTEMS.includes(system as System)) &&
    (action === '*' || ACTIONS.includes(action as Action));
  if (!isKnown) {
    throw new MisuseError(
      `A scope is <system>:<action> or <system>:<action>=<pattern>, with a system of ${SYSTEMS.join(', ')} and an action of ${ACTIONS.join(', ')}; got ${display(text)}.`,
    );
  }
  if (!PATTERN.test(pattern)) {
    throw new MisuseError(
      `The pattern of a scope is a name, "*", or a beginning that ends in one of ":/-_." and "*"; got ${display(pattern)}.`,
    );
  }
  return { system: system as Scope['system'], action: action as Scope['action'], pattern };
}

const grants = ({ system, action }: Scope, right: Right): boolean => {
  const [asked, wanted] = right.split(':');
  return (system === '*' || system === asked) && (action === '*' || action === wanted);
};

const fits = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** Whether scopes allow something with a resource. */
export const allows = (scopes: readonly Scope[], right: Right, name: string): boolean =>
  scopes.some((scope) => grants(scope, right) && fits(scope.pattern, name));

/** Whether scopes allow something with any resource at all. */
export const allowsSome = (scopes: readonly Scope[], right: Right): boolean =>
  scopes.some((scope) => grants(scope, right));
