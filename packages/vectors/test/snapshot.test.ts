/** Snapshots: an index that is restored answers as the one of before, and bytes that are no snapshot of it are refused. */
import { createHash } from 'node:crypto';
import { MisuseError, seededRandom, UnavailableError } from '@holdfast/kernel';
import {
  createLocalIndex,
  type LocalIndex,
  type LocalIndexOptions,
  restoreLocalIndex,
  SnapshotError,
} from '@holdfast/vectors';
import { describe, expect, it } from 'vitest';
import { vectorMaker } from './vectors.js';

const DIMENSIONS = 40;
const SUM = 32;

async function filled(options: LocalIndexOptions): Promise<LocalIndex> {
  const index = createLocalIndex({ ...options, random: seededRandom(1) });
  const [first, later] = [vectorMaker(1, options.dimensions), vectorMaker(2, options.dimensions)];
  for (let n = 0; n < 4_200; n++) index.put(`d${n}`, first.next());
  await index.train();
  for (let n = 0; n < 500; n++) index.delete(`d${7 * n}`);
  for (let n = 0; n < 3_000; n++) index.put(`é${n}`, later.next()); // ids of more bytes than letters; lists are split
  return index;
}

function expectSame(one: LocalIndex, other: LocalIndex, { exact = false } = {}): void {
  const { bytes: _, parts: __, ...stats } = one.stats();
  expect(other.stats()).toMatchObject(stats);
  const maker = vectorMaker(1, DIMENSIONS);
  const filter = (id: string): boolean => id.endsWith('3');
  for (let i = 0; i < 8; i++) {
    const query = maker.next();
    for (const options of [{}, { limit: 200 }, { filter }, { offset: 10, exact }]) {
      expect(other.search(query, options)).toEqual(one.search(query, options));
    }
  }
}

describe.each(['cosine', 'ip', 'l2'] as const)('an index by %s', (metric) => {
  it.each([false, true])(
    'answers as before, and goes on; originals: %s',
    async (originals) => {
      const options = { dimensions: DIMENSIONS, metric, originals };
      const index = await filled(options);
      const taken = index.snapshot();
      // Of the moment at which it was asked for.
      const copy = await restoreLocalIndex(await taken, options);
      expectSame(index, copy, { exact: originals });
      const later = index.snapshot();
      index.delete('é3');
      const before = await restoreLocalIndex(await later, options);
      expect([index.has('é3'), before.has('é3')]).toEqual([false, true]);
      // Both take the same changes.
      copy.delete('é3');
      const maker = vectorMaker(9, DIMENSIONS);
      for (let n = 0; n < 300; n++) {
        const vector = maker.next();
        for (const each of [index, copy]) each.put(`f${n}`, vector);
        for (const each of [index, copy]) each.delete(`d${3 * n}`);
      }
      expect(copy.size).toBe(index.size);
      const query = maker.next();
      const filter = (id: string): boolean => /^f|[27]$/.test(id);
      const [one = [], other = []] = [index, copy].map((each) =>
        each.search(query, { filter, limit: 4_096 }),
      );
      expect(other.map(({ id }) => id).sort()).toEqual(one.map(({ id }) => id).sort());
      expect(one.length).toBeGreaterThan(600);
    },
    30_000,
  );
});

it('an index that has nothing, or nothing any more, is restored as that', async () => {
  const options = { dimensions: 5 };
  const index = createLocalIndex(options);
  for (let round = 0; round < 2; round++) {
    const copy = await restoreLocalIndex(await index.snapshot(), options);
    expect(copy.size).toBe(0);
    copy.put('a', [1, 2, 3, 4, 5]);
    expect(copy.search([1, 2, 3, 4, 5])).toMatchObject([{ id: 'a' }]);
    index.put('b', [1, 0, 0, 0, 0]);
    index.delete('b');
  }
});

describe('bytes are refused', () => {
  const options = { dimensions: 33, originals: true };
  const make = async (): Promise<Uint8Array> => {
    const index = createLocalIndex({ ...options, random: seededRandom(1) });
    const maker = vectorMaker(1, 33);
    for (let n = 0; n < 100; n++) index.put(`d${n}`, maker.next());
    return index.snapshot();
  };
  const sealed = (bytes: Uint8Array): Uint8Array => {
    bytes.set(createHash('sha256').update(bytes.subarray(0, -SUM)).digest(), bytes.length - SUM);
    return bytes;
  };
  const refused = async (bytes: Uint8Array, reason: string, others: object = {}): Promise<void> => {
    const error = await restoreLocalIndex(bytes, { ...options, ...others }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SnapshotError);
    expect((error as SnapshotError).reason).toBe(reason);
  };

  it('if any of them is another', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seededRandom(seed);
    const bytes = await make();
    for (let i = 0; i < 50; i++) {
      const at = 8 + Math.floor(random.unit() * (bytes.length - 8));
      const bit = 1 << Math.floor(random.unit() * 8);
      bytes[at]! ^= bit;
      await refused(bytes, 'corrupt').catch((error) => {
        throw new Error(`seed ${seed}: byte ${at}, bit ${bit}`, { cause: error });
      });
      bytes[at]! ^= bit;
    }
    expect((await restoreLocalIndex(bytes, options)).size).toBe(100);
  });

  it('if some are missing or too many', async () => {
    const bytes = await make();
    await refused(bytes.subarray(0, -1), 'corrupt');
    await refused(bytes.subarray(0, 60), 'corrupt');
    await refused(Buffer.concat([bytes, Buffer.alloc(64)]), 'corrupt');
    await refused(bytes.subarray(0, 40), 'foreign');
    await refused(new Uint8Array(0), 'foreign');
    await refused(Buffer.from('a file of something else, and longer than the least snapshot'), 'foreign');
  });

  it('if they are of another layout, or of an index with other options', async () => {
    const bytes = await make();
    await refused(bytes, 'options', { dimensions: 34 });
    await refused(bytes, 'options', { metric: 'l2' });
    await refused(bytes, 'options', { originals: false });
    bytes[4]! += 1;
    await refused(sealed(bytes), 'version');
  });

  it('if their parts contradict each other, though the checksum is right', async () => {
    const text = Buffer.from(await make());
    const length = text.readUInt32LE(8);
    const { parts } = JSON.parse(text.toString('utf8', 12, 12 + length));
    const from = Math.ceil((12 + length) / 64) * 64;
    const changed = (part: string, offset: number, value: number): Uint8Array => {
      const bytes = Buffer.from(text);
      bytes.writeUInt32LE(value, from + parts[part].at + offset);
      return sealed(bytes);
    };
    await refused(changed('listOf', 0, 7), 'corrupt');
    await refused(changed('idLengths', 0, 0), 'corrupt');
    // The entry of the first lane of the first block: behind the codes and four numbers.
    await refused(changed('codes', 4 * 64 + 512 + 4 * 31, 5_000), 'corrupt');
    const header = Buffer.from(text);
    header.write('x', 13);
    await refused(sealed(header), 'corrupt');
  });

  it('if they are no bytes, or the memory is too small', async () => {
    await expect(restoreLocalIndex('bytes' as never, options)).rejects.toThrow(MisuseError);
    await expect(restoreLocalIndex(await make(), { ...options, memory: 2 ** 20 })).rejects.toThrow(
      UnavailableError,
    );
  });
});
