/** The check accepts what may happen, and finds each thing that must not. */
import { expect, it } from 'vitest';
import { checkHistory } from '../src/check/index.js';
import type { HistoryEvent, Operation, Result } from '../src/history/event.js';

type Kind = Extract<Operation, { f: 'acquire' }>['kind'];

const done = (id: string, [from, to]: readonly [number, number], operation: Operation, result: Result = {}) =>
  [
    { at: from, process: id, id, type: 'invoke', operation },
    { at: to, process: id, id, type: 'ok', result },
  ] satisfies HistoryEvent[];

/** Granted at `at`, one microsecond after it was asked for. */
const lease = (id: string, kind: Kind, at: number, result: Result): HistoryEvent[] =>
  done(id, [at - 1, at], { f: 'acquire', kind, resource: 'r', ttl: 1 }, result);

const extended = (of: string, at: number, validUntil: number): HistoryEvent[] =>
  done(`${of}-extended`, [at - 1, at], { f: 'extend', lease: of, resource: 'r', ttl: 1 }, { validUntil });

const released = (of: string, at: number): HistoryEvent[] =>
  done(`${of}-released`, [at, at + 1], { f: 'release', lease: of, resource: 'r' });

const a = lease('a', 'exclusive', 10, { token: 1, validUntil: 100 });
const b = (at: number, token = 2) => lease('b', 'exclusive', at, { token, validUntil: 300 });
const reader = (id: string, at: number, token: number) => lease(id, 'shared', at, { token, validUntil: 300 });
const permit = (id: string, token: number) => lease(id, 'permit', 10, { token, validUntil: 100 });

it.each([
  { what: 'one after the other', history: [a, b(150)] },
  { what: 'one after a release', history: [a, released('a', 40), b(50)] },
  { what: 'one after a lease that an extension made shorter', history: [a, extended('a', 20, 40), b(50)] },
  { what: 'readers beside each other', history: [reader('x', 10, 1), reader('y', 20, 1)] },
  { what: 'as many permits as there are', history: [permit('x', 1), permit('y', 2)] },
])('$what is as it should be', ({ history }) => {
  expect(checkHistory(history.flat())).toEqual([]);
});

it.each([
  { what: 'two at once', history: [a, b(50)], rule: 'exclusion' },
  { what: 'a writer beside a reader', history: [a, reader('x', 50, 2)], rule: 'exclusion' },
  { what: 'two at once by an extension', history: [a, extended('a', 90, 200), b(150)], rule: 'exclusion' },
  { what: 'a permit too many', history: [permit('x', 1), permit('y', 2), permit('z', 3)], rule: 'exclusion' },
  { what: 'a lower token later', history: [a, b(150, 0)], rule: 'order' },
  { what: 'the same token twice', history: [a, b(150, 1)], rule: 'order' },
  { what: 'readers with two tokens', history: [reader('x', 10, 1), reader('y', 20, 2)], rule: 'order' },
  { what: 'an extension after another grant', history: [a, b(150), extended('a', 400, 500)], rule: 'order' },
])('$what is a violation', ({ history, rule }) => {
  expect(checkHistory(history.flat()).map((violation) => violation.rule)).toContain(rule);
});
