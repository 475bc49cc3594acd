/**
 * The verdict: from what the processes were told, and what the stores say at the end, to what that proves. A pure function.
 *
 * Guarantees: nothing is taken from the page, and nothing for granted. A charge counts as kept only if it is among the bookings
 * *and* in what its account owes.
 */
import type { Booking } from '../accounts.js';

export interface Facts {
  /** Whether each order was accepted, as its customer was told; undefined of one who was told nothing. */
  readonly told: ReadonlyMap<string, boolean | undefined>;
  /** The charges that Redis acknowledged to a worker. */
  readonly acknowledged: readonly Booking[];
  /** How many writes the guard refused as stale. */
  readonly refused: number;
  /** Whether a worker was stopped and overtaken, so that there must be such writes. */
  readonly tested: boolean;
  /** What Redis says at the end: bookings in their order, what each account owes, orders with a picture, purchases counted. */
  readonly bookings: readonly Booking[];
  readonly owed: ReadonlyMap<string, number>;
  readonly pictures: ReadonlySet<string>;
  readonly counted: number;
}

interface Check {
  readonly holds: boolean;
  readonly text: string;
}

export interface Verdict {
  readonly good: boolean;
  readonly chargedTwice: number;
  readonly lost: number;
  readonly checks: readonly Check[];
}

export function judge(facts: Facts): Verdict {
  const { told, acknowledged, refused, tested, bookings, pictures, counted } = facts;
  const charged = chargesOf(bookings);
  const accepted = [...told].flatMap(([id, isAccepted]) => (isAccepted === true ? [id] : []));
  const silent = [...told.values()].filter((isAccepted) => isAccepted === undefined).length;
  const wronged = [...told].filter(([id, isAccepted]) => isAccepted === false && charged.has(id)).length;
  const missing = new Set(
    [...accepted, ...acknowledged.map(({ order }) => order)].filter((id) => !charged.has(id)),
  );
  const chargedTwice = [...charged.values()].filter((times) => times > 1).length;
  const wrong = wrongAccounts(facts);
  const disorder = outOfOrder(bookings);
  const bare = accepted.filter((id) => !pictures.has(id)).length;
  const checks: Check[] = [
    {
      holds: silent === 0,
      text: `${told.size} orders, ${silent === 0 ? 'each answered' : `${silent} without an answer`}`,
    },
    { holds: missing.size === 0, text: `${accepted.length} accepted, ${missing.size} of them lost` },
    { holds: wronged === 0, text: `${wronged} charged that were refused` },
    { holds: chargedTwice === 0, text: `${chargedTwice} charged twice` },
    { holds: wrong === 0, text: `${facts.owed.size} accounts, ${wrong} do not owe what was booked` },
    { holds: disorder === 0, text: `${disorder} tokens out of order in an account` },
    { holds: bare === 0, text: `${pictures.size} pictures, ${bare} missing` },
    { holds: counted === charged.size, text: `${counted} purchases counted for ${charged.size} orders` },
    {
      holds: refused > 0 || !tested,
      text: `${refused} stale writes refused${tested ? '' : ': none was put to the test'}`,
    },
  ];
  return { good: checks.every(({ holds }) => holds), chargedTwice, lost: missing.size, checks };
}

/** How often each order was charged, less what was given back. */
function chargesOf(bookings: readonly Booking[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { order, amount } of bookings) times.set(order, (times.get(order) ?? 0) + Math.sign(amount));
  return new Map([...times].filter(([, count]) => count > 0));
}

/** How many accounts owe something else than the sum of their bookings. */
function wrongAccounts({ bookings, owed }: Facts): number {
  const booked = new Map<string, number>();
  for (const { account, amount } of bookings) booked.set(account, (booked.get(account) ?? 0) + amount);
  return [...new Set([...booked.keys(), ...owed.keys()])].filter(
    (account) => (booked.get(account) ?? 0) !== (owed.get(account) ?? 0),
  ).length;
}

/** How many bookings have a lower token than one before them in the same account. */
function outOfOrder(bookings: readonly Booking[]): number {
  const highest = new Map<string, number>();
  return bookings.filter(({ account, token }) => {
    const before = highest.get(account) ?? 0;
    highest.set(account, Math.max(before, token));
    return token < before;
  }).length;
}

/** The verdict as lines for people. `unfenced`: whether the guard was off at some time. */
export function verdictLines({ told, refused }: Facts, verdict: Verdict, unfenced: boolean): string[] {
  const lines = verdict.checks.map(({ holds, text }) => `  ${holds ? 'ok  ' : 'FAIL'}  ${text}`);
  const summary = `orders ${told.size}, charged twice ${verdict.chargedTwice}, lost ${verdict.lost}, stale writes refused ${refused}`;
  if (verdict.good) return [...lines, `Verdict: good. ${summary}.`];
  const why = unfenced && verdict.chargedTwice > 0 ? ' That is what a lease without a guard does.' : '';
  return [...lines, `Verdict: FAILED. ${summary}.${why}`];
}
