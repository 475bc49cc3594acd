/**
 * Erasing an entity online: no row about it is taken from then on, and those that are there are deleted.
 *
 * Guarantees: a partition takes no row about the entity, of whatever event time, before its rows are looked for, so none comes
 * after. Whoever calls it again finishes what was broken off. One with a lower token changes nothing.
 */
import { IssuerMismatchError, StaleTokenError } from '@holdfast/fence';
import type { TokenClaim } from '@holdfast/kernel';
import { partitionOf } from '@holdfast/redis';
import { bitIn, chunkName, chunkOf, isNumber } from '../definition/flags.js';
import type { StoredView } from '../definition/stored.js';
import { printGeneration } from '../generation/info.js';
import type { Catalog } from './catalog.js';
import { type ListedView, piecesOf, readInventory, splitName } from './erasures.js';
import type { ForgetRequest } from './export-verbs.js';
import type { Partition } from './partition.js';
import { rowKeys } from './scan.js';

interface Place {
  readonly catalog: Catalog;
  readonly partitions: readonly Partition[];
}

/** Keys that one call deletes at most. */
const MOST = 256;

/** All views that are registered. Throws UnavailableError. */
export async function inventoryOf(catalog: Catalog): Promise<readonly ListedView[]> {
  return readInventory(await catalog.change('inventory', []));
}

/** The partitions in which there can be rows about an entity: one, unless it is a later part of composite ids. */
export function partitionsFor(name: string, views: readonly ListedView[], count: number): readonly number[] {
  const { entity, id } = splitName(name);
  const isLaterPart = views.some(({ stored }) => stored.entity.parts.indexOf(entity) > 0);
  if (isLaterPart) return Array.from({ length: count }, (_, at) => at);
  const hasFlags = isNumber(id) && views.some(({ stored }) => isFlagsOf(stored, entity));
  return [...new Set([partitionOf(id, count), ...(hasFlags ? [chunkOf(id) % count] : [])])];
}

/**
 * Resolves to how many rows were deleted. `claim` is undefined for what was erased before and may have been forgotten. Throws
 * StaleTokenError, IssuerMismatchError, UnavailableError: call it again.
 */
export async function eraseOnline(
  { catalog, partitions }: Place,
  name: string,
  claim: TokenClaim | undefined,
): Promise<number> {
  const affected = partitionsFor(name, await inventoryOf(catalog), partitions.length);
  const there = partitions.filter(({ number }) => affected.includes(number));
  for (const partition of there) await forget(partition, { name, claim, isErased: true, rows: [] });
  let deleted = 0;
  // Generations that were begun since take no row about it.
  for (const { stored, generations } of await inventoryOf(catalog)) {
    const { parts } = stored.entity;
    const { entity, id } = splitName(name);
    if (!parts.includes(entity)) continue;
    if (isFlagsOf(stored, entity)) {
      deleted += await clear({ there, name, claim }, stored, generations);
      continue;
    }
    for (const generation of generations.map((each) => printGeneration(stored.name, each))) {
      const home = there.find(({ number }) => number === partitionOf(id, partitions.length));
      const found =
        parts.length > 1 || home === undefined
          ? rowKeys(there, generation)
          : [{ partition: home, keys: [home.keys.row(generation, id)] }];
      for await (const { partition, keys } of found) {
        const own = keys.filter((key) => {
          const row = key.slice(partition.keys.row(generation, '').length);
          return piecesOf(parts, row).includes(name);
        });
        for (let at = 0; at < own.length; at += MOST) {
          const rows = own
            .slice(at, at + MOST)
            .map((key) => ({ key, generation, isSummed: stored.kind === 'rows' }));
          deleted += await forget(partition, { name, claim, isErased: true, rows });
        }
      }
    }
  }
  return deleted;
}

interface Erasing {
  readonly there: readonly Partition[];
  readonly name: string;
  readonly claim: TokenClaim | undefined;
}

/** Clears the flags of an id, also those that only an earlier program has declared. Resolves to how many were set. */
async function clear(
  { there, name, claim }: Erasing,
  { name: view, fields, schemas }: StoredView,
  generations: readonly string[],
): Promise<number> {
  const { id } = splitName(name);
  if (!isNumber(id)) return 0;
  const flags = new Set(
    [...fields, ...schemas.flatMap((schema) => schema.fields)].map((field) => field.name),
  );
  let cleared = 0;
  for (const partition of there) {
    const rows = generations.flatMap((each) => {
      const generation = printGeneration(view, each);
      return [...flags].map((flag) => ({
        key: partition.keys.row(generation, chunkName(flag, chunkOf(id))),
        ...{ generation, isSummed: false, bit: bitIn(id) },
      }));
    });
    cleared += await forget(partition, { name, claim, isErased: true, rows });
  }
  return cleared;
}

const isFlagsOf = ({ kind, entity: { parts } }: StoredView, entity: string): boolean =>
  kind === 'flags' && parts.includes(entity);

/** Has rows about an entity taken again. Throws StaleTokenError, IssuerMismatchError, UnavailableError. */
export async function restoreOnline(
  { catalog, partitions }: Place,
  name: string,
  claim: TokenClaim,
): Promise<void> {
  const affected = partitionsFor(name, await inventoryOf(catalog), partitions.length);
  for (const partition of partitions.filter(({ number }) => affected.includes(number)))
    await forget(partition, { name, claim, isErased: false, rows: [] });
}

interface Forgetting {
  readonly name: string;
  readonly claim: TokenClaim | undefined;
  readonly isErased: boolean;
  readonly rows: ForgetRequest['rows'];
}

async function forget(partition: Partition, { claim, ...request }: Forgetting): Promise<number> {
  const { token = '', issuer = '' } = claim ?? {};
  const reply = await partition.call(partition.verbs.forget, { ...request, token, issuer });
  if (reply.word === 'forgotten') return reply.rows;
  throw refusedEraser(claim, reply.word, reply.detail);
}

/** The error for a mark of another eraser. */
export function refusedEraser(claim: TokenClaim | undefined, word: string, mark: string): Error {
  const { token = 0, resource = '', issuer = '' } = claim ?? {};
  const [seen = '', ...by] = mark.split(' ');
  if (word === 'foreign') {
    return new IssuerMismatchError(
      `Entities were erased under tokens of ${by.join(' ')}, which those of ${issuer} cannot be compared with.`,
      { resource, issuer, expected: by.join(' ') },
    );
  }
  return new StaleTokenError(
    `Token ${token} erases and restores nothing: one with token ${seen} has done so since. Stop this job.`,
    { resource, offered: token, seen: Number(seen), reason: 'lower' },
  );
}
