/**
 * The promises of the lock one by one, judged by what is certain from the history. For a resource with one holder at a
 * time they follow from linearizability, but each on its own says more plainly what happened; permits are judged only
 * by these rules.
 */
import { certainSpans, type GrantedLease, type Span } from './leases.js';

export interface Finding {
  readonly rule: string;
  readonly message: string;
  /** The ids of the leases or writes. */
  readonly about: readonly string[];
}

/** A lease that was asked for after another was granted has a higher token; readers may share theirs. */
export function judgeTokens(leases: readonly GrantedLease[]): readonly Finding[] {
  return leases.flatMap((a, index) => {
    const unordered = leases.filter(
      (b) => a.grant.done < b.grant.asked && (bothRead(a, b) ? b.token < a.token : b.token <= a.token),
    );
    const equal = leases.slice(index + 1).filter((b) => a.token === b.token && !bothRead(a, b));
    return [
      ...unordered.map((b) => ({
        rule: 'token order',
        message: `${b.id} was granted ${b.token}, after ${a.id} had been granted ${a.token}`,
        about: [a.id, b.id],
      })),
      ...equal.map((b) => ({
        rule: 'unique token',
        message: `${a.id} and ${b.id} were both granted ${a.token}`,
        about: [a.id, b.id],
      })),
    ];
  });
}

/** No two holders can rely on their leases at one moment, except readers; with permits, no more than there are. */
export function judgeExclusion(leases: readonly GrantedLease[], permits = 1): readonly Finding[] {
  const held = leases.map((lease) => ({ lease, spans: certainSpans(lease) }));
  return held.flatMap(({ lease, spans }) => {
    const found = spans.flatMap(({ from }) => {
      const beside = held.filter((other) => other.lease !== lease && isIn(other.spans, from));
      const others = beside.map((other) => other.lease).filter((other) => !bothRead(other, lease));
      return others.length >= permits ? [{ from, others }] : [];
    });
    return found.slice(0, 1).map(({ from, others }) => ({
      rule: 'mutual exclusion',
      message: `${[lease, ...others].map(({ id }) => id).join(', ')} could all be relied on at ${from}`,
      about: [lease, ...others].map(({ id }) => id),
    }));
  });
}

export interface AcceptedWrite {
  readonly id: string;
  readonly token: number;
  readonly asked: number;
  readonly done: number;
}

/** A write that a guard accepted after another has no lower token. */
export function judgeWrites(writes: readonly AcceptedWrite[]): readonly Finding[] {
  const byResult = [...writes].sort((a, b) => a.done - b.done);
  const byCall = [...writes].sort((a, b) => a.asked - b.asked);
  let [highest, next] = [undefined as AcceptedWrite | undefined, 0];
  return byCall.flatMap((write) => {
    for (; (byResult[next]?.done ?? Number.POSITIVE_INFINITY) < write.asked; next += 1) {
      const done = byResult[next];
      if (done && done.token > (highest?.token ?? 0)) highest = done;
    }
    if (!highest || write.token >= highest.token) return [];
    const message = `${write.id} was accepted under ${write.token}, after ${highest.id} under ${highest.token}`;
    return [{ rule: 'fence order', message, about: [highest.id, write.id] }];
  });
}

const bothRead = (a: GrantedLease, b: GrantedLease): boolean => a.kind === 'shared' && b.kind === 'shared';

const isIn = (spans: readonly Span[], time: number): boolean =>
  spans.some(({ from, until }) => from <= time && time < until);
