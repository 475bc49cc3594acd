/** Rows as bytes: what is encoded is decoded, a torn row gives nothing, and a bad value is named by its path. */
import { entity, RowError, t, view } from '@holdfast/features';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compare } from '../src/definition/change.js';
import { describe as described, type StoredView } from '../src/definition/stored.js';
import type { Fields } from '../src/definition/types.js';
import { viewOf } from '../src/row/bytes.js';
import { checksumIn } from '../src/row/checksum.js';
import { RowReader } from '../src/row/decode.js';
import { RowEncoder } from '../src/row/encode.js';
import { microsOf, type RowOrigin, readHeader } from '../src/row/header.js';

const user = entity('user');
const defined = (fields: Fields): StoredView => described(view('profile', { entity: user, fields }));
const readerOf = (stored: StoredView): RowReader => new RowReader(stored.schemas, stored.fields);

const ORIGIN: RowOrigin = {
  rank: 3,
  token: 2 ** 53 - 1,
  turn: 2,
  source: 7,
  sequence: 12,
  second: 2 ** 32 - 1,
};
const TIME = 1_767_225_600_123_456;

function sealed(stored: StoredView, values: object): Uint8Array {
  const encoder = new RowEncoder(stored);
  return encoder.seal(encoder.encode(TIME, values), ORIGIN);
}

function read(reader: RowReader, row: Uint8Array): Record<string, unknown> | string {
  const values = {};
  const word = reader.read(row, values);
  return word === 'whole' ? values : word;
}

/** As if the program had been started so that it may not generate code. */
function withoutGeneration<T>(work: () => T): T {
  class Forbidden {
    constructor() {
      throw new EvalError('Code generation from strings disallowed for this context');
    }
  }
  vi.stubGlobal('Function', Forbidden);
  try {
    return work();
  } finally {
    vi.unstubAllGlobals();
  }
}

/** A type, and values that rows can be written with. */
const single = fc.float({ noNaN: true, noDefaultInfinity: true });
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const TYPES = [
  { type: t.int(), value: fc.maxSafeInteger() },
  { type: t.float64(), value: double },
  { type: t.float32(), value: single },
  { type: t.bool(), value: fc.boolean() },
  { type: t.string(), value: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  { type: t.timestamp(), value: fc.date({ noInvalidDate: true }) },
  {
    type: t.vector(3),
    value: fc.array(single, { minLength: 3, maxLength: 3 }).map((all) => Float32Array.from(all)),
  },
  { type: t.list(), value: fc.array(double, { maxLength: 9 }) },
];

/** Fields of any types, a definition of them, and values that fit, some of them null. */
const anyRow = fc
  .array(fc.tuple(fc.nat(TYPES.length - 1), fc.boolean()), { minLength: 1, maxLength: 20 })
  .chain((choices) => {
    const all = choices.map(([index]) => TYPES[index] as (typeof TYPES)[number]);
    const fields = Object.fromEntries(all.map(({ type }, at) => [`f${at}`, type.optional()]));
    const values = choices.map(([, isNull], at) => [
      `f${at}`,
      isNull ? fc.constant(null) : (all[at]?.value as fc.Arbitrary<unknown>),
    ]);
    return fc.record({
      fields: fc.constant(fields),
      values: fc.record<Record<string, unknown>>(Object.fromEntries(values)),
    });
  });

describe('a row', () => {
  it('is decoded as it was encoded, wherever in a buffer it lies', () => {
    fc.assert(
      fc.property(anyRow, fc.nat(9), ({ fields, values }, offset) => {
        const stored = defined(fields as Fields);
        const row = sealed(stored, values);
        const place = Buffer.alloc(row.length + offset + 3, 0xff);
        place.set(row, offset);
        const moved = place.subarray(offset, offset + row.length);
        expect(read(readerOf(stored), moved)).toEqual(values);
      }),
    );
  });

  it('is decoded as the same values where the program does not allow code to be generated', () => {
    fc.assert(
      fc.property(anyRow, ({ fields, values }) => {
        const stored = defined(fields as Fields);
        const reader = withoutGeneration(() => readerOf(stored));
        expect(read(reader, sealed(stored, values))).toEqual(values);
      }),
    );
  });

  it('has a header that says where it comes from', () => {
    const header = readHeader(sealed(defined({ n: t.int() }), { n: 1 }));
    expect(header).toMatchObject({ ...ORIGIN, schema: 1, time: TIME });
  });

  it('that is cut off, or altered in any place, gives nothing', () => {
    fc.assert(
      fc.property(anyRow, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ fields, values }, place, change) => {
        const stored = defined(fields as Fields);
        const reader = readerOf(stored);
        const row = sealed(stored, values);
        const altered = Buffer.from(row);
        const at = place % row.length;
        altered[at] = (altered[at] ?? 0) ^ change;
        const word = at === 2 || at === 3 ? 'unknown' : 'torn';
        expect(read(reader, altered)).toBe(word);
        expect(read(reader, row.subarray(0, at))).toBe('torn');
        expect(read(reader, Buffer.concat([row, altered.subarray(at)]))).toBe('torn');
      }),
    );
  });

  it('of random bytes gives nothing', () => {
    const stored = defined({ n: t.int(), s: t.string(), l: t.list(), v: t.vector(2) });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, looksRight) => {
        if (looksRight && bytes.length > 4) bytes.set([1, 3, 1, 0]); // layout and schema of a row
        expect(read(readerOf(stored), bytes)).toBeTypeOf('string');
      }),
    );
  });

  it('of another view with the same number of its schema gives nothing', () => {
    const row = sealed(defined({ n: t.int() }), { n: 5 });
    expect(read(readerOf(defined({ n: t.float64() })), row)).toBe('torn');
  });
});

describe('rows of several schemas', () => {
  const first = defined({ age: t.int(), tier: t.string() });
  const second = compare(first, defined({ age: t.int(), tier: t.string(), city: t.string() })).next;
  const third = compare(second, defined({ age: t.int(), city: t.string() })).next;
  const [one, two, three] = [
    sealed(first, { age: 1, tier: 'gold' }),
    sealed(second, { age: 2, tier: 'base', city: 'Ulm' }),
    sealed(third, { age: 3, city: 'Linz' }),
  ];

  it('are read side by side, with null for a field that the row does not have', () => {
    const reader = readerOf(third);
    expect(read(reader, one)).toEqual({ age: 1, city: null });
    expect(read(reader, two)).toEqual({ age: 2, city: 'Ulm' });
    expect(read(reader, three)).toEqual({ age: 3, city: 'Linz' });
  });

  it('are read by an old program as soon as it knows their schema', () => {
    const reader = readerOf(first);
    expect(read(reader, two)).toBe('unknown');
    second.schemas.forEach((schema) => {
      reader.know(schema);
    });
    expect(read(reader, two)).toEqual({ age: 2, tier: 'base' });
  });

  it('are read under names of a service', () => {
    const values = {};
    new RowReader(first.schemas, first.fields.slice(0, 1), 'profile.').read(one, values);
    expect(values).toEqual({ 'profile.age': 1 });
  });
});

describe('a bad row', () => {
  const stored = defined({
    age: t.int().optional(),
    score: t.float64().optional(),
    small: t.float32().optional(),
    vip: t.bool().optional(),
    tier: t.string(),
    since: t.timestamp().optional(),
    taste: t.vector(2).optional(),
    steps: t.list().optional(),
  });
  it.each<[unknown, string, string]>([
    [{ tier: 'a', age: 1.5 }, 'values.age', 'a whole number below 2^53 in size; got 1.5'],
    [{ tier: 'a', age: 2 ** 53 }, 'values.age', 'got 9007199254740992'],
    [{ tier: 'a', age: '7' }, 'values.age', 'got "7"'],
    [{ tier: 'a', score: Number.NaN }, 'values.score', 'a finite number; got NaN'],
    [{ tier: 'a', small: 1e39 }, 'values.small', 'a finite number up to 3.4e38 in size; got 1e+39'],
    [{ tier: 'a', vip: 1 }, 'values.vip', 'true or false; got 1'],
    [{ tier: null }, 'values.tier', 'not optional; got null'],
    [{}, 'values.tier', 'not optional; got undefined'],
    [{ tier: '\udc00' }, 'values.tier', 'well-formed text'],
    [{ tier: 'a', since: new Date(Number.NaN) }, 'values.since', 'a date, or whole milliseconds'],
    [{ tier: 'a', since: 0.5 }, 'values.since', 'got 0.5'],
    [{ tier: 'a', taste: [1] }, 'values.taste', 'a vector of 2 numbers; got "a vector of 1"'],
    [{ tier: 'a', taste: [1, Number.NaN] }, 'values.taste[1]', 'a finite number'],
    [{ tier: 'a', steps: [1, 2, '3'] }, 'values.steps[2]', 'a finite number; got "3"'],
    [{ tier: 'a', colour: 1 }, 'each name in values', 'got "colour"'],
    [{ tier: 'x'.repeat(65_536) }, 'its size', 'at most 65536 bytes'],
    [{ tier: 'ü'.repeat(40_000) }, 'its size', 'at most 65536 bytes'],
    [{ tier: 'a', steps: new Array(9_000).fill(0) }, 'its size', 'at most 65536 bytes'],
    [null, 'values', 'an object with a value for each feature; got null'],
  ])('is refused: %j', (values, path, message) => {
    const encode = () => new RowEncoder(stored).encode(TIME, values);
    expect(encode).toThrow(RowError);
    expect(encode).toThrow(expect.objectContaining({ path, message: expect.stringContaining(message) }));
  });

  it('leaves nothing behind in the rows that follow', () => {
    const encoder = new RowEncoder(stored);
    const values = { tier: 'a', age: null };
    const before = Buffer.from(encoder.encode(TIME, values));
    expect(() => encoder.encode(TIME, { tier: 'b', age: 5, vip: true, taste: [9, Number.NaN] })).toThrow();
    expect(Buffer.from(encoder.encode(TIME, values)).equals(before)).toBe(true);
  });

  it.each([-1, Number.NaN, 2 ** 53, new Date(Number.NaN), '2026', undefined])(
    'has a time that is none: %s',
    (time) => {
      expect(() => microsOf('profile', time)).toThrow('time is a date, or milliseconds since the epoch');
    },
  );

  it('may have a time between two milliseconds', () => {
    expect(microsOf('profile', 1.2345)).toBe(1_235);
    expect(microsOf('profile', new Date(7))).toBe(7_000);
  });
});

describe('the checksum', () => {
  // Test vectors of MurmurHash3_x86_32.
  it.each([
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('of %j is that of MurmurHash3, without the place where it stands itself', (text, seed, checksum) => {
    const row = Buffer.concat([
      Buffer.from(text.slice(0, 4)),
      Buffer.from('here'),
      Buffer.from(text.slice(4)),
    ]);
    expect(checksumIn(viewOf(row), row.byteOffset, row.length, seed)).toBe(checksum);
  });
});
