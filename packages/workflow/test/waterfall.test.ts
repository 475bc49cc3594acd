/** The waterfall: the rows that are made of a journal. */
import { type JournalRecord, waterfallOf } from '@holdfast/workflow';
import { expect, test } from 'vitest';

const error = { name: 'Error', message: 'busy' };
const token = 1_700_000_000_000_000;
const HEADER = { kind: 'header', workflow: 'w', input: null, generation: 'g' } as const;

test('has a row for each attempt, with what is known of when it was', () => {
  const records: JournalRecord[] = [
    HEADER,
    { kind: 'entry', id: '0', name: 'charge' },
    { kind: 'retry', id: '0', name: 'charge', error, token, attempt: 2, at: 5, span: [3, 20] },
    { kind: 'takeover', falls: 2, token: token + 50_000 },
    { kind: 'done', id: '0', name: 'charge', value: 1, token: token + 50_000, attempt: 2, span: [1, 4] },
  ];
  const charge = { step: '0', name: 'charge', kind: 'step' };
  const at = token / 1_000;
  expect(waterfallOf(records)).toEqual([
    { ...charge, state: 'retried', attempt: 1, token, began: at + 3, ended: at + 23, detail: 'busy' },
    {
      ...{ step: '', name: '', kind: 'takeover', state: 'came', token: token + 50_000 },
      detail: 'the worker was lost 2 times',
    },
    {
      ...{ ...charge, state: 'done', attempt: 2, token: token + 50_000, detail: '' },
      ...{ began: at + 51, ended: at + 55 },
    },
  ]);
});

test('says once what came of a timer, a child, and a step that is begun once', () => {
  const records: JournalRecord[] = [
    HEADER,
    { kind: 'timer', id: '0', name: 'sleep', at: 0 },
    { kind: 'child', id: '1', name: 'ship', run: 'ship/o1/~g.1' },
    { kind: 'begun', id: '2', name: 'mail', token },
    { kind: 'message', id: 'm', name: 'go', payload: 1 },
    { kind: 'fired', id: '0', name: 'sleep' },
    { kind: 'over', id: '1', outcome: { status: 'cancelled', reason: 'no' }, token },
    { kind: 'failed', id: '2', name: 'mail', error, token, attempt: 1 },
    { kind: 'timer', id: '3', name: 'sleep', at: 0 },
    { kind: 'cancel', reason: 'enough' },
  ];
  const due = 'due 1970-01-01T00:00:00.000Z';
  expect(waterfallOf(records)).toEqual([
    { step: '0', name: 'sleep', kind: 'timer', state: 'fired', detail: due },
    { step: '1', name: 'ship', kind: 'child', state: 'failed', token, detail: 'ship/o1/~g.1' },
    { step: '2', name: 'mail', kind: 'once', state: 'failed', attempt: 1, token, detail: 'busy' },
    { step: '', name: 'go', kind: 'message', state: 'came', detail: '' },
    { step: '3', name: 'sleep', kind: 'timer', state: 'open', detail: due },
    { step: '', name: '', kind: 'cancel', state: 'came', detail: 'enough' },
  ]);
});
