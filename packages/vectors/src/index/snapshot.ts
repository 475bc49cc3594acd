/**
 * An index as bytes: all that it has to know to answer as before. Of what a training has not finished there is nothing.
 *
 * Guarantees: a snapshot is of one moment. Restoring one of another layout, of an index with other options, or that is damaged throws
 * a SnapshotError.
 */
import { type Clock, display } from '@holdfast/kernel';
import { SnapshotError } from '../errors.js';
import type { Calibration } from './calibrate.js';
import { Entries } from './entries.js';
import { contradiction, imageOf, storeOf } from './image.js';
import type { MemoryOptions } from './memory.js';
import { Originals } from './originals.js';
import { copied, join, Sections, type Source, seal } from './sections.js';
import type { Reader, VectorStore } from './store.js';

/** Options that an index and its snapshot have to have in common. */
export interface Common {
  readonly dimensions: number;
  readonly metric: string;
  readonly originals: boolean;
}

export interface Contents {
  readonly entries: Entries;
  readonly originals: Originals | undefined;
  readonly store: VectorStore | undefined;
  readonly signs: Float32Array;
  readonly calibration: Calibration;
  readonly trainedAt: number;
}

export function takeSnapshot(contents: Contents, common: Common, clock: Clock): Promise<Uint8Array> {
  const { entries, originals, store, signs, calibration, trainedAt } = contents;
  const { dimensions, metric, originals: hasOriginals } = common;
  const image = store && imageOf(store);
  const { names } = entries;
  const ids = names.map((name) => Buffer.from(name?.id ?? ''));
  const namespaces = entries.namespaces;
  const numberOf = new Map(namespaces.map((space, number) => [space, number]));
  const sources: Source[] = [
    copied('signs', Int8Array.from(signs)),
    copied(
      'idLengths',
      Uint32Array.from(ids, ({ length }) => length),
    ),
    copied('ids', Buffer.concat(ids)),
    copied(
      'spaceOf',
      Uint32Array.from(names, (name) => numberOf.get(name?.space ?? '') ?? 0),
    ),
    ...(image?.sources ?? []),
  ];
  if (originals) {
    const bytes = 4 * ids.length * dimensions;
    sources.push({ name: 'originals', bytes, write: (out) => originals.copyTo(out, ids.length) });
  }
  const header = {
    ...{
      dimensions,
      metric,
      originals: hasOriginals,
      namespaces,
      calibration,
      trainedAt,
      entries: ids.length,
      lists: 0,
    },
    ...image?.header,
  };
  return seal(join(header, sources), clock);
}

/** `memory` is asked when the signs are known; `read` when the store is moved. */
export async function readSnapshot(
  bytes: Uint8Array,
  common: Common,
  parts: { clock: Clock; memory: (signs: Float32Array) => Omit<MemoryOptions, 'centroids'>; read: Reader },
): Promise<Contents> {
  const sections = await Sections.open(bytes, parts.clock);
  for (const [name, value] of Object.entries(common)) {
    const kept = sections.header[name];
    if (kept !== value) {
      throw new SnapshotError(
        'options',
        `its "${name}" is ${display(kept)}, that of the index ${display(value)}`,
      );
    }
  }
  const count = sections.whole('entries');
  const padded = Math.ceil(common.dimensions / 32) * 32;
  const signs = Float32Array.from(new Int8Array(sections.copy('signs', 4 * padded)));
  const ids = idsOf(sections, count);
  const entries = Entries.of(namesOf(sections, ids));
  const seen = new Set<number>();
  const store = storeOf(sections, parts.memory(signs), {
    read: parts.read,
    isEntry: (entry) => Boolean(ids[entry]) && seen.size < seen.add(entry).size,
  });
  if (seen.size !== ids.filter((id) => id !== '').length || entries.distinct !== entries.size) {
    throw contradiction('an id that has no vector, or twice the same');
  }
  let originals: Originals | undefined;
  if (common.originals) {
    originals = new Originals(common.dimensions);
    const all = new Float32Array(sections.copy('originals', 4 * count * common.dimensions));
    for (let entry = 0; entry < count; entry++) {
      originals.set(entry, all.subarray(entry * common.dimensions, (entry + 1) * common.dimensions));
    }
  }
  const calibration = sections.header['calibration'] as Calibration;
  return { entries, originals, store, signs, calibration, trainedAt: sections.whole('trainedAt') };
}

/** With the namespace of each. */
function namesOf(sections: Sections, ids: readonly string[]): ({ space: string; id: string } | undefined)[] {
  const namespaces = sections.header['namespaces'] as readonly string[];
  const spaceOf = new Uint32Array(sections.copy('spaceOf', 4 * ids.length));
  return ids.map((id, entry) => {
    if (id === '') return undefined;
    const space = namespaces[spaceOf[entry]!];
    if (typeof space !== 'string') throw contradiction('an id of a namespace that there is not');
    return { space, id };
  });
}

function idsOf(sections: Sections, count: number): string[] {
  const lengths = new Uint32Array(sections.copy('idLengths', 4 * count));
  const text = Buffer.from(sections.copy('ids', sections.sizeOf('ids')));
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return text.toString('utf8', at - length, at);
  });
}
