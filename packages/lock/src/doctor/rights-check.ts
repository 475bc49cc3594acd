/** The consequences of missing rights. Pure functions over facts. */
import type { RightsFacts } from './facts.js';
import type { NodeFinding, ServerCheck } from './findings.js';

/** The rights that taking or extending a lease needs, besides a way to run scripts. */
const FOR_VOTES = new Set(
  ['info', 'time', 'hmget', 'hset', 'mget', 'pttl', 'set', 'pexpire'].map((name) => `+${name}`),
);

/**
 * The rights to run scripts, which replace functions if those cannot be called; "inspect" and "init" use only scripts.
 */
const SCRIPTS: readonly string[] = ['+evalsha', '+eval', '+script|load'];
const FUNCTIONS: readonly string[] = ['+fcall', '+function|load'];

const UNCALLED = 'waiters are not notified when a lease is released, and ask every two seconds';
const UNCONNECTED = 'some client libraries cannot connect';

/** Rights whose lack only makes something slower or rarer. */
const SLOWER: ReadonlyMap<string, string> = new Map([
  ...FUNCTIONS.map((right) => [right, 'votes run as scripts, which is slower'] as const),
  ['+publish', UNCALLED],
  ['+subscribe', UNCALLED],
  ['+pubsub|numsub', 'a waiter that died may hold up the others'],
  ['+ping', UNCONNECTED],
  ['+hello', UNCONNECTED],
  ['+select', 'only database 0 can be used'],
]);

export const rights: ServerCheck = ({ rights: found, functions }) => {
  if (!found) return undefined;
  const { missing, user } = found;
  if (missing.length === 0) return found.complete ? undefined : unchecked(found);
  const byFunctions = functions === true && !FUNCTIONS.some((right) => missing.includes(right));
  const effects = missing.map((right) => effectOf(right, byFunctions));
  const stops = effects.includes(VOTES);
  const serious = stops || effects.includes(SOME);
  const worst = stops ? [VOTES] : serious ? [SOME] : [...new Set(effects)];
  return {
    severity: serious ? 'error' : 'warning',
    check: 'rights',
    ...(stops && { stopsVotes: true }),
    message: `The Redis user${named(user)} lacks rights: ${missing.join(' ')}. So ${worst.join('; ')}.`,
    advice: `ACL SETUSER ${user ?? '<user>'} ${missing.join(' ')}`,
  };
};

const VOTES = 'the node cannot vote';
const SOME = 'releasing, waiting, inspecting or some kinds of leases fail';

function effectOf(right: string, byFunctions: boolean): string {
  if (right.startsWith('&')) return UNCALLED;
  if (right.startsWith('~') || FOR_VOTES.has(right)) return VOTES;
  if (SCRIPTS.includes(right)) return byFunctions ? SOME : VOTES;
  return SLOWER.get(right) ?? SOME;
}

function unchecked({ user }: RightsFacts): NodeFinding {
  return {
    severity: 'note',
    check: 'rights',
    message: `Not every right of the Redis user${named(user)} could be checked: the user may not call ACL WHOAMI and ACL DRYRUN, or the server does not have them. The rights that can be tried without side effects are there.`,
    advice: 'To check all rights, give the user +acl|whoami +acl|dryrun (Redis 7).',
  };
}

const named = (user: string | undefined): string => (user === undefined ? '' : ` "${user}"`);
