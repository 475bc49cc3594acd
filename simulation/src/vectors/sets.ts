/**
 * The vector sets in which the server searches the vectors of some generations: how calls name them, and what they must have.
 *
 * Guarantees: whatever has happened, a set has the vectors of the documents that are there, one element each, and of those that have
 * expired maybe some that were not taken out yet (N5).
 */
import type { ModelServer } from '../redis/index.js';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import { IDS, INDEX, type Keys, keysOf, storedOf } from './names.js';

export interface VectorWrite {
  readonly id: string;
  readonly token: string;
  readonly generation: string;
}

const [FIELDS, FIRST] = [6, 3];
const [DIGEST, COUNT] = [16, 4];

/** How many sets a generation has, of which calls give the number with the dimensions of each: "17:8:8". */
export const setsIn = (generation: string): number => generation.split(':').length - 1;

/** What a call of the verb "vector" writes. */
export function vectorWritesOf({ idOf }: Keys, { keys, args }: Pick<Call, 'keys' | 'args'>): VectorWrite[] {
  const writes: VectorWrite[] = [];
  for (let [at, place] = [0, FIRST]; at < args.length; at += FIELDS) {
    const [token = '', , generation = ''] = args.slice(at, at + FIELDS);
    writes.push({ id: idOf(keys[place] ?? '') ?? '', token, generation: generation.split(':')[0] ?? '' });
    place += 2 + setsIn(generation);
  }
  return writes;
}

/** Judges all sets as they are now, at the server's time in ms. */
export function judgeSets(server: ModelServer, now: number, violate: Violate): void {
  const keys = keysOf(INDEX);
  const meta = new Map(server.look(keys.meta) as ReadonlyMap<string, string> | undefined);
  for (const [field, model] of meta) {
    const generation = /^model:(\d+)$/.exec(field)?.[1];
    if (generation === undefined || !model.includes('"engine"')) continue;
    const names = model.includes('"title"') ? ['title', 'body'] : [''];
    for (const [at, name] of names.entries()) {
      const set = server.look(`{vectors:${INDEX}}:set${generation}${name && `:${name}`}`);
      const has = [...((set as ReadonlyMap<string, unknown> | undefined)?.keys() ?? [])].sort();
      const { must, may } = elementsOf(server, now, { keys, generation, at, width: names.length });
      const isSo = must.every((each) => has.includes(each)) && has.every((each) => may.includes(each));
      if (!isSo)
        violate('N5', `the set ${name} of ${generation} has ${has.join()}, and is to have ${must.join()}`);
    }
  }
}

function elementsOf(
  server: ModelServer,
  now: number,
  { keys, generation, at, width }: { keys: Keys; generation: string; at: number; width: number },
): { readonly must: readonly string[]; readonly may: readonly string[] } {
  const [must, may]: string[][] = [[], []];
  for (const id of IDS) {
    const text = server.look(keys.document(id));
    const bytes = server.look(keys.vectors(generation, id));
    const stored = typeof text === 'string' ? storedOf(text) : undefined;
    const hasExpired = stored === undefined || (stored.expiry > 0 && stored.expiry <= now);
    // What Redis has removed at its expiry may have left its vectors behind.
    if (hasExpired) may?.push(...Array.from({ length: 8 }, (_, chunk) => `${chunk}:${id}`));
    if (hasExpired || stored.isDeletion || typeof bytes !== 'string' || typeof text !== 'string') continue;
    if (bytes.slice(0, DIGEST) !== text.slice(48, 48 + DIGEST)) continue;
    const counts = Buffer.from(bytes.slice(DIGEST, DIGEST + COUNT * width), 'latin1');
    const own = Array.from({ length: counts.readUInt32LE(COUNT * at) }, (_, chunk) => `${chunk}:${id}`);
    must?.push(...own);
    may?.push(...own);
  }
  return { must: must?.sort() ?? [], may: may ?? [] };
}
