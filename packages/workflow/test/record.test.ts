/** What the function is given of a record that its worker has made is what a replay reads. */
import { expect, it } from 'vitest';
import { asDecoded, decodeRecord, encodeRecord } from '../src/journal/record.js';
import { encodeValue } from '../src/json.js';

const values: readonly unknown[] = [
  ...[0, -0, 1.5, '', 'a "text"\n\u2028\ud800', true, null, undefined],
  ...[new Date(0), [undefined, -0], { a: undefined, b: [{ c: 'd' }] }],
];

it.each(values.map((value) => [value]))('hands over %j as a replay does', (value) => {
  const json = value === undefined ? undefined : encodeValue(value, 'the value');
  const place = { id: '1.@"key"', name: 'a "name"', of: 'hash' };
  const made = { kind: 'done', ...place, value, json, token: 1_795_000_000_000_001, attempt: 2 } as const;
  for (const record of [made, { ...made, span: [3, 0] as const }, { ...made, json: undefined }]) {
    const text = encodeRecord(record);
    const { json: _, ...read } = asDecoded(record, text) as typeof made;
    expect(read).toStrictEqual(decodeRecord(text));
    const { kind, id, json: __, ...body } = record;
    expect(text).toBe(`S ${id}\n${JSON.stringify(body)}`);
  }
});
