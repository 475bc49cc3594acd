/**
 * Erasing an entity, online and offline: the catalog notes it, the manifests of exported rows do, and every partition deletes what it
 * has and takes no more.
 *
 * Guarantees: from the first step on no training set and no export has rows about the entity; once it resolves, Redis has none but in
 * logs, which the next export empties, and takes none. Exported files have none once they are compacted. Whoever calls it again
 * finishes what was broken off; one with a lower token changes nothing.
 */
import {
  display,
  MisuseError,
  optional,
  passedOn,
  type Readers,
  readOptions,
  requireClaim,
  type TokenClaim,
  text,
} from '@holdfast/kernel';
import type { CallCommand } from '@holdfast/redis';
import { type Entity, placeOf } from '../definition/entity.js';
import { eraseOnline, inventoryOf, partitionsFor, refusedEraser, restoreOnline } from '../store/erase.js';
import type { Partition } from '../store/partition.js';
import { latestManifest, makeManifest, requireExportOf } from './manifest.js';
import { identityOf, type StoreParts } from './parts.js';
import { mergeTombstones } from './tombstones.js';

export interface ErasureReport {
  /** Rows and windows that were deleted. */
  readonly rows: number;
  /** Exported files that may still have rows about the entity: `compact` of the exporter rewrites them. */
  readonly files: number;
}

export interface EraseOptions {
  /** One of a lower token erases and restores nothing from then on. */
  readonly holder: TokenClaim;
  /** The folder of the exporter. Leave it out only where there is none. */
  readonly dir?: string;
}

const ERASE = {
  holder: passedOn<TokenClaim>(),
  dir: optional(text('the path of a folder')),
} satisfies Readers<EraseOptions>;

/** What is to be erased, and by whom. Throws RowError for what cannot be an id; MisuseError. */
export function erasingOf(call: string, of: Entity, id: string, options: EraseOptions): Erasing {
  const { holder, dir } = readOptions(call, options, ERASE);
  const { name, parts } = Object(of) as Partial<Entity>;
  if (name === undefined || parts?.length !== 1) {
    throw new MisuseError(
      `${call} takes an entity that has ids of its own, as entity('user'); got ${display(of)}.`,
    );
  }
  placeOf(name, of, { [name]: id });
  return { name: `${name}:${id}`, claim: requireClaim(holder), dir };
}

interface Erasing {
  readonly name: string;
  readonly claim: TokenClaim;
  readonly dir: string | undefined;
  /** Called before each step; tests stop with it. */
  readonly onStep?: ((step: 'note' | 'manifest' | 'partitions') => void | Promise<void>) | undefined;
}

export async function eraseEntity(store: StoreParts, erasing: Erasing): Promise<ErasureReport> {
  const { name, claim, dir, onStep } = erasing;
  await requireDir(store, dir);
  await onStep?.('note');
  await note(store, erasing, '');
  await onStep?.('manifest');
  const files = await entomb(store, name, dir);
  await onStep?.('partitions');
  return { rows: await eraseOnline(store, name, claim), files };
}

export async function restoreEntity(store: StoreParts, erasing: Erasing): Promise<void> {
  const { name, claim, dir, onStep } = erasing;
  await requireDir(store, dir);
  await onStep?.('note');
  // No row about it is taken now, so whatever comes after these places comes after it was restored.
  const pages = await Promise.all(
    store.partitions.map((each) => each.call(each.verbs.browse, { through: 0, most: 1 })),
  );
  await note(store, erasing, pages.map(({ last }, partition) => `${partition}:${last}`).join(','));
  await onStep?.('manifest');
  await entomb(store, name, dir);
  await onStep?.('partitions');
  await restoreOnline(store, name, claim);
}

/** Notes it in the catalog: from now on exports and training sets go by it. */
async function note({ catalog }: StoreParts, { name, claim }: Erasing, places: string): Promise<void> {
  await catalog.identity(); // takes up what the partitions know, where the catalog was lost
  const [word = '', detail = ''] = await catalog.change('erase', [
    ...[name, String(claim.token), claim.issuer, places],
  ]);
  if (word === 'done') return;
  if (word === 'kept') {
    throw new MisuseError(
      `${JSON.stringify(name)} is not erased in this store, so there is nothing to restore.`,
    );
  }
  throw refusedEraser(claim, word, detail);
}

/** Has manifests know it. Resolves to how many of their files were written without knowing. */
async function entomb(store: StoreParts, name: string, dir: string | undefined): Promise<number> {
  if (dir === undefined) return 0;
  const { catalog, partitions } = store;
  const erasures = (await catalog.erasures()).filter((each) => each.name === name);
  const affected = partitionsFor(name, await inventoryOf(catalog), partitions.length);
  let files = 0;
  for (const partition of affected) {
    let unaware = 0;
    for (;;) {
      // Without a manifest nothing is exported yet, and whoever makes the first one asks the catalog after that.
      const found = await latestManifest(dir, partition);
      if (found === undefined) break;
      const erased = mergeTombstones(found.erased, erasures, partition);
      const n = erased.find((each) => each.name === name)?.n ?? 0;
      unaware = found.files.filter((file) => file.erased < n).length;
      if (erased.every((each) => found.erased.includes(each))) break;
      // The exporter's token stays: it finds its next number taken, and looks again.
      if (await makeManifest(dir, { ...found, erased, number: found.number + 1 })) break;
    }
    files += unaware;
  }
  return files;
}

/** Rows that were exported cannot be erased without knowing where they are. */
async function requireDir(store: StoreParts, dir: string | undefined): Promise<void> {
  if (dir !== undefined) return requireExportOf(dir, await identityOf(store));
  const [first] = store.partitions;
  const exporter = await first?.call(EXPORTER, first);
  if (exporter === '') return;
  throw new MisuseError(
    `Rows of the store "${store.name}" were exported; give the folder of the exporter as \`dir\`, so that they are erased there, too. Nothing was done.`,
  );
}

const EXPORTER: CallCommand<Partition, string> = {
  ...{ command: 'HGET', binary: true, keys: [], most: 1 },
  encode({ request }, keys, args) {
    keys.push(request.keys.of('record'));
    args.push('exporter');
  },
  decode: (reply) => [String(reply ?? '')],
};
