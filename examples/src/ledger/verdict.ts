/**
 * The verdict: from the facts of a run to what they prove. A pure function; it knows nothing of how the run went.
 *
 * Guarantees: nothing is taken for granted. An increment counts as kept only if it is in the ledger's entries *and* the
 * balance accounts for every entry. A run in which no stale write was refused proves nothing, and does not pass.
 */
import type { Entry } from './ledger.js';

export interface Facts {
  readonly fenced: boolean;
  /** The tokens of the leases that the workers were granted, in any order. */
  readonly granted: readonly number[];
  /** The increments that the ledger acknowledged to a worker. */
  readonly acknowledged: readonly Entry[];
  /** How many writes the guard refused as stale. */
  readonly refused: number;
  /** What the ledger says at the end, in its own order. */
  readonly entries: readonly Entry[];
  readonly balance: number;
}

interface Check {
  readonly holds: boolean;
  readonly text: string;
}

export interface Verdict {
  readonly good: boolean;
  /** Increments that the balance does not account for, or that are not among the entries. */
  readonly lost: number;
  readonly checks: readonly Check[];
}

export function judge(facts: Facts): Verdict {
  const { granted, acknowledged, refused, entries, balance } = facts;
  const present = new Set(entries.map(({ id }) => id));
  const missing = acknowledged.filter(({ id }) => !present.has(id));
  const overwritten = Math.max(0, entries.length - balance);
  const disorder = outOfOrder(entries);
  const repeated = granted.length - new Set(granted).size;
  const checks: Check[] = [
    {
      holds: granted.length > 0 && repeated === 0,
      text: `${granted.length} leases granted, ${repeated === 0 ? 'every one under a token of its own' : `${repeated} under a token that another had`}`,
    },
    {
      holds: acknowledged.length > 0 && missing.length === 0 && present.size === entries.length,
      text: presence(facts, missing, entries.length - present.size),
    },
    {
      holds: balance === entries.length,
      text: `the balance is ${balance} for ${entries.length} entries: ${balance === entries.length ? 'no update lost' : `${overwritten} updates lost`}`,
    },
    {
      holds: disorder.length === 0,
      text:
        disorder[0] === undefined
          ? 'no token out of order in the ledger'
          : `${disorder.length} tokens out of order in the ledger, first ${disorder[0].id} under ${disorder[0].token}`,
    },
    {
      holds: refused > 0,
      text: `${refused} stale writes refused${refused > 0 ? '' : facts.fenced ? ': nothing was put to the test' : ': there is no guard'}`,
    },
  ];
  return { good: checks.every(({ holds }) => holds), lost: overwritten + missing.length, checks };
}

function presence({ acknowledged, entries }: Facts, missing: readonly Entry[], twice: number): string {
  const found = acknowledged.length - missing.length;
  const all = `${found} of ${acknowledged.length} acknowledged increments are among the ledger's ${entries.length} entries`;
  const first = missing[0] === undefined ? '' : `, missing first ${missing[0].id}`;
  return `${all}${first}${twice > 0 ? `, ${twice} of them written twice` : ''}`;
}

/** The entries whose token is lower than one before them. */
function outOfOrder(entries: readonly Entry[]): Entry[] {
  let highest = 0;
  return entries.filter(({ token }) => {
    const late = token < highest;
    highest = Math.max(highest, token);
    return late;
  });
}

/** The verdict as lines for people. */
export function verdictLines(facts: Facts, verdict: Verdict): string[] {
  const lines = verdict.checks.map(({ holds, text }) => `  ${holds ? 'ok  ' : 'FAIL'}  ${text}`);
  const summary = `acknowledged ${facts.acknowledged.length}, in the ledger ${facts.balance}, lost ${verdict.lost}, refused ${facts.refused}`;
  if (verdict.good) return [...lines, `Verdict: good. ${summary}.`];
  const why = !facts.fenced && verdict.lost > 0 ? ' That is what a lock without a guard does.' : '';
  return [...lines, `Verdict: FAILED. ${summary}.${why}`];
}
