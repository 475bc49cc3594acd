/**
 * Who sees everything that happens to an index of vectors: at the server, where documents are written, and in the processes,
 * where they are searched.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises.
 */
import type { Written } from '@holdfast/vectors';
import { Calls } from '../run/calls.js';
import type { Judge, Violate, Violation } from '../run/part.js';
import type { Command } from '../world/connection.js';
import type { World } from '../world/world.js';
import { Answers, type Reading, readPlace, readPlaces } from './answers.js';
import { Generations } from './generations.js';
import { History, type State } from './history.js';
import { type Holders, type IssuerName, nameOf } from './holders.js';
import { type Attributes, IDS } from './names.js';
import type { VectorsPlan } from './plan.js';
import { judgeSets } from './sets.js';
import { type Shard, shardsOf } from './sharding.js';
import { isLive, Writes } from './writes.js';

/** A shard, or the only index, and what its documents were. */
interface Part extends Shard {
  readonly history: History;
  readonly writes: Writes;
}

/** What clocks that do not run at the same rate differ by within a run, in ms. */
const DRIFT = 150;

export class VectorsOracle implements Judge {
  readonly violations: Violation[] = [];
  readonly answers: Answers;
  readonly generations: Generations;
  reads = 0;
  readonly #world: World<VectorsPlan>;
  readonly #calls = new Calls();
  readonly #parts: readonly Part[];
  readonly #patches = new Map<number, Partial<Attributes>>();
  /** The place of the last write that was acknowledged to anybody. */
  #latest: string | undefined;
  #numbers = 0;

  constructor(world: World<VectorsPlan>, holders: Holders) {
    this.#world = world;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    const { plan, store } = world;
    this.#parts = shardsOf(plan).map((shard) => {
      const history = new History();
      const writes = new Writes({
        ...{ violate, history, holders, shard, server: store.server, patches: this.#patches },
        ...{ tombstones: plan.vectors.tombstones, time: () => store.time() },
      });
      return { ...shard, history, writes };
    });
    const now = (): number => store.time() / 1_000;
    this.generations = new Generations({ violate, server: store.server, now });
    const isExact = [...plan.nodeClocks, ...plan.clients.map(({ clock }) => clock)].every(
      ({ rate }) => rate === 1,
    );
    this.answers = new Answers({
      ...{ violate, shards: this.#parts, slack: isExact ? 0 : DRIFT, now },
      wereMade: (at, id, v) => this.generations.wereMade(at, id, v),
    });
  }

  violate(rule: string, message: string): void {
    this.#world.note('VIOLATION', `${rule}: ${message}`);
    this.violations.push({ rule, message });
  }

  /** The server has carried out a command. */
  look(command: Command, reply: unknown): void {
    const call = this.#calls.read(command);
    if (call === undefined || !Array.isArray(reply)) return;
    this.#parts.find(({ keys }) => keys.meta === call.keys[0])?.writes.look(call, reply);
    if (this.#world.plan.vectors.hasModels) this.generations.look(call, reply);
    this.#judgeSets();
  }

  /** The server is back, or has just forgotten everything. */
  restarted(): void {
    for (const { writes } of this.#parts) writes.reload();
    this.generations.reload();
  }

  died(): void {
    // What a process has written, others go on from; nothing of it is remembered here.
  }

  /** A number for a write. */
  next(): number {
    this.#numbers += 1;
    return this.#numbers;
  }

  get latest(): string | undefined {
    return this.#latest;
  }

  get accepted(): number {
    return this.#parts.reduce((sum, { writes }) => sum + writes.accepted, 0);
  }

  /** What a patch is to change, by its number. */
  patches(n: number, changes: Partial<Attributes>): void {
    this.#patches.set(n, changes);
  }

  /** Every document stands in the log, under its sequence. */
  judgeLog(): void {
    for (const { writes } of this.#parts) writes.judgeLog();
    this.#judgeSets();
  }

  /** The server's own sets have the vectors of all documents, at any moment. */
  #judgeSets(): void {
    const { store, plan } = this.#world;
    if (!plan.vectors.onServer) return;
    judgeSets(store.server, store.time() / 1_000, (rule, message) => this.violate(rule, message));
  }

  /** The log has no document of which nothing is kept. */
  judgeForgotten(): void {
    for (const { writes } of this.#parts) writes.judgeForgotten();
  }

  /** Whether what was read up to a place is all that there is. */
  isLatest(place: string): boolean {
    return readPlaces(place).every((part, shard) => {
      const last = Math.max(0, ...this.#present(shard).map(({ sequence }) => sequence));
      return part?.epoch === this.#parts[shard]?.history.epoch && (part?.sequence ?? 0) >= last;
    });
  }

  /** A process was told what has become of its write. */
  isTold(id: string, written: Written, n?: number): void {
    const shard = this.#shardOf(id);
    const { epoch, sequence } = readPlaces(written.place)[shard] ?? readPlace('@0');
    const state = this.#parts[shard]!.history.of(epoch, id).find((each) => each.sequence === sequence);
    const isIt = state?.attributes?.n === n;
    if (state === undefined || (written.outcome === 'written' && !isIt))
      this.violate('N2', `the place ${written.place} of ${id} is told, which is not that of the write ${n}`);
    if (written.outcome === 'older' && state?.time !== written.time.getTime())
      this.violate('N1', `${id} is told to be of ${written.time.getTime()}, and is of ${state?.time}`);
    if (written.outcome === 'older' && state?.isDeletion !== written.isDeleted)
      this.violate('N1', `whether ${id} is deleted is told as ${written.isDeleted}`);
    if (written.outcome === 'written') this.#latest = written.place;
  }

  /** A process was told that its token is stale. */
  isStale(id: string | undefined, issuer: IssuerName, token: number): void {
    const ids = id === undefined ? IDS : [id];
    const highest = Math.max(
      ...ids.map((each) => this.#parts[this.#shardOf(each)]!.history.highestToken(each, nameOf(issuer))),
    );
    if (token >= highest)
      this.violate('N1', `${issuer}'s token ${token} is told to be stale, and ${highest} is its highest`);
  }

  /** A process was told that a place belongs to an earlier epoch. */
  isLost(place: string): void {
    const isSo = readPlaces(place).every(
      (part, shard) => part === undefined || part.epoch === this.#parts[shard]?.history.epoch,
    );
    if (isSo) this.violate('N2', `the place ${place} is told to be lost, whose epoch goes on`);
  }

  beginsToRead(after: string | undefined, seen: string | undefined): Reading {
    this.reads += 1;
    return { began: Math.floor(this.#world.store.time() / 1_000), after, seen };
  }

  /** An answer says which shards it lacks, and lacks none unless it may. */
  judgePartial(place: string, partial: readonly number[], mayBe: boolean): void {
    const missing = [...readPlaces(place).entries()].flatMap(([shard, part]) => (part ? [] : [shard]));
    if (missing.join() !== partial.join())
      this.violate('N7', `an answer up to ${place} says that it lacks ${partial.join() || 'nothing'}`);
    if (missing.length > 0 && !mayBe)
      this.violate('N7', `an answer lacks ${missing.join()}, and was to be of all shards`);
  }

  /** A deletion by a filter has ended, which saw what was there at a place. */
  judgeDeletion(after: string | undefined, matches: (attributes: Attributes) => boolean): void {
    if (after === undefined) return;
    for (const [shard, part] of readPlaces(after).entries()) {
      if (part === undefined || part.epoch !== this.#parts[shard]?.history.epoch) continue;
      for (const state of this.#present(shard)) {
        const isLeft = state.sequence <= part.sequence && state.expiry === 0;
        if (isLeft && state.attributes && matches(state.attributes))
          this.violate('N6', `${state.id}, which is ${state.body}, is left by a deletion that saw ${after}`);
      }
    }
  }

  /** Documents that are there now in a shard, at the server's time. */
  sizeOf(shard: number): number {
    const now = this.#world.store.time() / 1_000;
    return this.#present(shard).filter((state) => isLive(state, now)).length;
  }

  /** What every document of a shard is now. */
  #present(shard: number): readonly State[] {
    const { ids, history } = this.#parts[shard]!;
    return ids.flatMap((id) => history.of(history.epoch, id).at(-1) ?? []);
  }

  #shardOf(id: string): number {
    return this.#parts.findIndex(({ ids }) => ids.includes(id));
  }
}
