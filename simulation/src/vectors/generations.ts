/**
 * The generations of an index, judged where the server keeps them.
 *
 * Guarantees: a builder that was replaced changes nothing (N9); no generation goes live with a document that lacks its vectors, but
 * for what was written since its builder has looked (N8); vectors that count are those of the text beside them (N10).
 */
import type { ModelServer } from '../redis/index.js';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import {
  attributesOf,
  IDS,
  INDEX,
  isModel,
  keysOf,
  type ModelName,
  type Stored,
  storedOf,
  textOf,
  vectorBy,
} from './names.js';
import { vectorWritesOf } from './sets.js';

type Meta = ReadonlyMap<string, string>;

/** From a sequence on, a generation is live. */
interface Reign {
  readonly sequence: number;
  readonly generation: string;
  readonly model: ModelName;
}

/** A document had vectors of a generation from a sequence on. */
interface Made {
  readonly sequence: number;
  readonly generation: string;
  readonly id: string;
  /** That of the write whose text they are of. */
  readonly v: number;
}

interface Epoch {
  readonly reigns: Reign[];
  readonly made: Made[];
}

export interface GenerationsParts {
  readonly violate: Violate;
  readonly server: ModelServer;
  /** The server's, in ms. */
  readonly now: () => number;
}

const KEYS = keysOf(INDEX);
/** Bytes in front of the numbers of vectors: what they are made of, and how many there are. */
const [DIGEST, HEAD] = [16, 20];
/** What only builders change. */
const FIELDS = /^(?:live|building|mark|issuer|dropping|n|(?:model|begun|through):\d+)$/;

export class Generations {
  cuts = 0;
  readonly #parts: GenerationsParts;
  readonly #epochs = new Map<string, Epoch>();
  /** What the server had after the last call. */
  #before: Meta = new Map();

  constructor(parts: GenerationsParts) {
    this.#parts = parts;
  }

  look(call: Call, reply: readonly unknown[]): void {
    const before = this.#before;
    this.reload();
    this.#judgeChange(call, before);
    this.#noteEpoch();
    if (call.verb === 'vector') this.#judgeVectors(call, reply);
    if (this.#before.get('live') === before.get('live')) return;
    const { generation, model } = this.#live;
    this.#present?.reigns.push({ sequence: Number(this.#before.get('n')), generation, model });
    if (call.verb === 'cut') this.#judgeCut(call, before);
  }

  /** The server is back, or has forgotten everything. */
  reload(): void {
    this.#before = new Map(this.#parts.server.look(KEYS.meta) as Meta | undefined);
  }

  /** The models by which an answer up to a place may have been found: the one that was live there, and those that were later. */
  modelsSince(epoch: string, sequence: number): readonly ModelName[] {
    return this.#reignsSince(epoch, sequence).map(({ model }) => model);
  }

  /** Whether the text of a write had its vectors at a place, of all generations that were live from there on. */
  wereMade(at: { readonly epoch: string; readonly sequence: number }, id: string, v: number): boolean {
    const made = this.#epochs.get(at.epoch)?.made ?? [];
    return this.#reignsSince(at.epoch, at.sequence).every(({ generation }) =>
      made.some(
        (each) =>
          each.generation === generation && each.id === id && each.v === v && each.sequence <= at.sequence,
      ),
    );
  }

  /** Every document has vectors of the live generation. */
  judgeWhole(): void {
    for (const id of this.#lacking(this.#live.generation))
      this.#parts.violate('N8', `${id} has no vectors of ${this.#live.model}, long after all was healed`);
  }

  get #live(): { readonly generation: string; readonly model: ModelName } {
    const generation = this.#before.get('live') ?? '';
    const [name = ''] = (this.#before.get(`model:${generation}`) ?? '').split(' ');
    return { generation, model: isModel(name) ? name : 'm0' };
  }

  get #present(): Epoch | undefined {
    return this.#epochs.get(this.#before.get('epoch') ?? '');
  }

  /** Another epoch begins with what the server remembers. */
  #noteEpoch(): void {
    const epoch = this.#before.get('epoch');
    if (epoch === undefined || this.#epochs.has(epoch)) return;
    const made = this.#generations.flatMap((generation) =>
      IDS.flatMap((id) => this.#madeOf(generation, id, 0) ?? []),
    );
    const has = this.#before.has('live');
    this.#epochs.set(epoch, { made, reigns: has ? [{ sequence: 0, ...this.#live }] : [] });
  }

  get #generations(): readonly string[] {
    return [...this.#before.keys()].flatMap((field) => field.match(/^model:(\d+)$/)?.[1] ?? []);
  }

  #reignsSince(epoch: string, sequence: number): readonly Reign[] {
    const reigns = this.#epochs.get(epoch)?.reigns ?? [];
    const first = reigns.findLastIndex((each) => each.sequence <= sequence);
    return reigns.slice(Math.max(0, first));
  }

  /** Only the builder of the day changes what builders change. */
  #judgeChange({ verb, args }: Call, before: Meta): void {
    const after = this.#before;
    const fields = new Set([...before.keys(), ...after.keys()].filter((field) => FIELDS.test(field)));
    const changed = [...fields].filter((field) => before.get(field) !== after.get(field));
    if (changed.length === 0 || !before.has('live') || !after.has('live')) return;
    const [token, , generation = ''] = args;
    const mark = Number(before.get('mark') ?? 0);
    const isLater = Number(token) >= mark && (verb === 'begin' || verb === 'retire');
    const isBuilder = Number(token) === mark && before.get('building') === generation;
    if (verb === 'drop' ? changed.join() === 'dropping' : isLater || isBuilder) return;
    this.#parts.violate('N9', `"${verb}" under ${token} changes ${changed.join()}, after ${mark} has begun`);
  }

  #judgeCut({ args }: Call, before: Meta): void {
    const { violate } = this.#parts;
    const [, , generation = '', most] = args;
    this.cuts += 1;
    const lacking = this.#lacking(generation);
    if (lacking.length > Number(most))
      violate('N8', `${generation} goes live, and ${lacking.join()} lack its vectors, of ${most} at most`);
    const [epoch, reached = '0'] = (before.get(`through:${generation}`) ?? '').split(' ');
    const through = epoch === this.#before.get('epoch') ? Number(reached) : 0;
    for (const id of lacking) {
      const { sequence = 0 } = this.#stored(id) ?? {};
      if (sequence <= through)
        violate(
          'N8',
          `${generation} goes live, and ${id} of ${sequence} lacks its vectors, below ${through}`,
        );
    }
  }

  #judgeVectors(call: Call, reply: readonly unknown[]): void {
    const writes = vectorWritesOf(KEYS, call);
    for (const [at, verdict] of reply.slice(1).entries()) {
      const [word, sequence] = String(verdict).split(' ');
      const { id = '', token, generation = '' } = writes[at] ?? {};
      if (word !== 'written') continue;
      const isBuilders = Number(token) > 0;
      const isOfDay = token === this.#before.get('mark') && generation === this.#before.get('building');
      if (isBuilders && !isOfDay)
        this.#parts.violate('N9', `vectors of ${id} are written under ${token}, which was replaced`);
      const made = this.#madeOf(generation, id, Number(sequence));
      if (made) this.#present?.made.push(made);
      else this.#parts.violate('N10', `vectors of ${id} are written that are not of what it says`);
    }
  }

  /** That a document has vectors of a generation, if it has: they are those of its text. */
  #madeOf(generation: string, id: string, sequence: number): Made | undefined {
    const { server, violate } = this.#parts;
    const text = server.look(KEYS.document(id));
    const bytes = server.look(KEYS.vectors(generation, id));
    const stored = this.#stored(id);
    if (typeof text !== 'string' || typeof bytes !== 'string' || stored === undefined) return undefined;
    if (bytes.slice(0, DIGEST) !== text.slice(48, 64)) return undefined;
    const attributes = attributesOf(stored.body);
    const [model = ''] = (this.#before.get(`model:${generation}`) ?? '').split(' ');
    if (!isModel(model)) return undefined;
    const numbers = Buffer.from(bytes.slice(HEAD), 'latin1');
    const wanted = vectorBy(model, textOf(attributes));
    const isIt = wanted.every((each, place) => Math.abs(numbers.readFloatLE(4 * place) - each) < 1e-5);
    if (!isIt) violate('N10', `the vectors of ${id} in ${model} are not those of ${textOf(attributes)}`);
    return { sequence, generation, id, v: attributes.v };
  }

  /** Documents with a text that have no vectors of it. */
  #lacking(generation: string): readonly string[] {
    return IDS.filter((id) => {
      const stored = this.#stored(id);
      return stored && attributesOf(stored.body).chunks > 0 && this.#madeOf(generation, id, 0) === undefined;
    });
  }

  /** A document that is there. */
  #stored(id: string): Stored | undefined {
    const text = this.#parts.server.look(KEYS.document(id));
    const stored = typeof text === 'string' ? storedOf(text) : undefined;
    const isOver = stored && stored.expiry > 0 && stored.expiry <= this.#parts.now();
    return stored === undefined || stored.isDeletion || isOver ? undefined : stored;
  }
}
