/** What votes decide: on every set of votes, never on less than a majority, and as early as possible. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  count,
  describeVote,
  explainAcquire,
  explainExtend,
  isAcquireDecided,
  isDecided,
  isExtendDecided,
  type Vote,
  type VoteKind,
  type Votes,
} from '../src/votes.js';

const vote = (kind: VoteKind): Vote =>
  ({ kind, token: 1, fence: 2, remaining: 3, time: 4, parameters: 'p', reason: 'r', sent: true }) as Vote;
const votesOf = (...kinds: readonly (VoteKind | '-')[]): Votes =>
  kinds.map((kind) => (kind === '-' ? undefined : vote(kind)));
const quorumOf = (votes: Votes): number => Math.floor(votes.length / 2) + 1;

const acquireVotes = fc.array(
  fc.option(
    fc.constantFrom<VoteKind>('granted', 'held', 'stale', 'window', 'quarantined', 'failed').map(vote),
    {
      nil: undefined,
    },
  ),
  { minLength: 1, maxLength: 7 },
);
const extendVotes = fc.array(
  fc.option(
    fc
      .constantFrom<VoteKind>('kept', 'vouched', 'held', 'stale', 'forgotten', 'quarantined', 'failed')
      .map(vote),
    {
      nil: undefined,
    },
  ),
  { minLength: 1, maxLength: 7 },
);

describe('an acquire', () => {
  it('is decided exactly when no further vote can change whether a majority granted', () => {
    fc.assert(
      fc.property(acquireVotes, (votes) => {
        const quorum = quorumOf(votes);
        const best = votes.map((cast) => cast ?? vote('granted'));
        const worst = votes.map((cast) => cast ?? vote('held'));
        const same = count(best, 'granted') >= quorum === count(worst, 'granted') >= quorum;
        expect(isDecided(votes, quorum, 'granted')).toBe(same);
      }),
    );
  });

  it.each<[readonly (VoteKind | '-')[], string]>([
    [['held', 'held', 'held', '-', '-'], 'busy'],
    [['held', 'held', 'failed', 'granted', 'granted'], 'split'],
    [['held', 'held', 'granted', 'granted'], 'split'],
    [['held', 'held', 'quarantined', '-', '-'], 'busy'],
    [['failed', 'failed', 'failed', '-', '-'], 'unavailable'],
    [['quarantined', 'quarantined', 'quarantined', 'held', 'held'], 'unavailable'],
    [['stale', 'granted', 'stale', 'granted', 'stale'], 'behind'],
    [['window', 'window', 'window', '-', '-'], 'window'],
    [['stale', 'window', 'window', '-', '-'], 'behind'],
    [['misfit', 'misfit', '-'], 'misfit'],
    [['misfit', 'granted', 'failed'], 'unavailable'],
  ])('that got %j is %s', (kinds, expected) => {
    const votes = votesOf(...kinds);
    expect(explainAcquire(votes, quorumOf(votes))).toBe(expected);
  });

  it.each<[readonly (number | 'granted' | 'failed' | '-')[], string]>([
    [[7, 7, 7, '-', '-'], 'busy'],
    [[7, 7, 8, '-', '-'], 'split'],
    [[7, 7, 8, '-', 'granted'], 'split'],
    [[7, 7, 8, 'granted', 'granted'], 'split'],
    [[7, 7, 8, 8, '-'], 'split'],
    [[7, 8, 9, '-', '-'], 'split'],
    [[7, 7, 8, 'granted', 'failed'], 'busy'],
    [[7, 7, 8, 'failed', '-'], 'busy'],
    [[7, 7, '-', '-'], 'busy'],
    [[7, 8, '-', '-'], 'split'],
    [[0, 'failed', '-'], 'split'],
    [[7, 'failed', '-'], 'busy'],
    [[0, 0, 0, 'granted', 'granted'], 'busy'],
  ])(
    'that finds holders under the tokens %j is %s: one of them may have a majority or not',
    (answers, expected) => {
      const votes = answers.map((answer) => {
        if (answer === '-') return undefined;
        if (typeof answer === 'string') return vote(answer);
        return { ...vote('held'), token: answer } as Vote;
      });
      expect(explainAcquire(votes, quorumOf(votes))).toBe(expected);
    },
  );
});

describe('whether an acquire is decided', () => {
  const heldBy7: Vote = { ...vote('held'), token: 7 } as Vote;
  const cast = (...answers: readonly ('7' | VoteKind | '-')[]): Votes =>
    answers.map((answer) => (answer === '-' ? undefined : answer === '7' ? heldBy7 : vote(answer)));

  it.each<[readonly ('7' | VoteKind | '-')[], boolean]>([
    [['7', '7', '-', '-'], false],
    [['7', '7', '7', '-'], true],
    [['7', '7', 'granted', '-'], true],
    [['7', '7', 'failed', '-'], false],
    [['7', '7', 'failed', 'failed'], true],
    [['7', 'failed', '-'], false],
    [['7', '7', '-'], true],
    [['granted', 'granted', 'granted', '-'], true],
    [['failed', 'failed', '-'], true],
  ])('by the answers %j: %s', (answers, expected) => {
    const votes = cast(...answers);
    expect(isAcquireDecided(votes, quorumOf(votes))).toBe(expected);
  });

  it('is settled at the latest when all have answered, and never before a majority is certain or out of reach', () => {
    fc.assert(
      fc.property(acquireVotes, (votes) => {
        const quorum = quorumOf(votes);
        const complete = votes.map((one) => one ?? vote('failed'));
        expect(isAcquireDecided(complete, quorum)).toBe(true);
        if (isAcquireDecided(votes, quorum)) expect(isDecided(votes, quorum, 'granted')).toBe(true);
      }),
    );
  });
});

describe('an extend', () => {
  it('is kept or resumable only by a majority, and lost only if none is possible', () => {
    fc.assert(
      fc.property(extendVotes, (votes) => {
        const quorum = quorumOf(votes);
        const outcome = explainExtend(votes, quorum);
        if (outcome === 'kept') expect(count(votes, 'kept')).toBeGreaterThanOrEqual(quorum);
        if (outcome === 'resumable') expect(count(votes, 'kept', 'vouched')).toBeGreaterThanOrEqual(quorum);
        if (outcome === 'lost') {
          const hopeful = votes.filter(
            (cast) => !cast || !['held', 'stale', 'forgotten'].includes(cast.kind),
          );
          expect(hopeful.length).toBeLessThan(quorum);
        }
      }),
    );
  });

  it('waits for what could still keep or resume it, and no longer', () => {
    expect(isExtendDecided(votesOf('kept', 'kept', 'kept', '-', '-'), 3)).toBe(true);
    expect(isExtendDecided(votesOf('kept', 'kept', 'vouched', '-', '-'), 3)).toBe(false);
    expect(isExtendDecided(votesOf('kept', 'vouched', 'vouched', 'failed', '-'), 3)).toBe(true);
    expect(isExtendDecided(votesOf('held', 'vouched', 'vouched', '-', '-'), 3)).toBe(false);
    expect(isExtendDecided(votesOf('held', 'stale', 'forgotten', '-', '-'), 3)).toBe(true);
  });

  it('is unavailable, not lost, while nodes are away or in quarantine', () => {
    expect(explainExtend(votesOf('kept', 'kept', 'quarantined', 'failed', 'failed'), 3)).toBe('unavailable');
    expect(explainExtend(votesOf('held', 'held', 'held', '-', '-'), 3)).toBe('lost');
  });
});

it('every vote can be put in words', () => {
  for (const kind of [
    'granted',
    'held',
    'stale',
    'window',
    'quarantined',
    'misfit',
    'failed',
    'forgotten',
  ] as const) {
    expect(describeVote(vote(kind), 'q').length).toBeGreaterThan(0);
  }
  expect(describeVote(undefined, 'q')).toBe('was not waited for');
});
