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
import { Answers, type Reading, readPlace } from './answers.js';
import { Generations } from './generations.js';
import { History, type State } from './history.js';
import { type Holders, type IssuerName, nameOf } from './holders.js';
import { type Attributes, IDS } from './names.js';
import type { VectorsPlan } from './plan.js';
import { isLive, Writes } from './writes.js';

/** What clocks that do not run at the same rate differ by within a run, in ms. */
const DRIFT = 150;

export class VectorsOracle implements Judge {
  readonly violations: Violation[] = [];
  readonly writes: Writes;
  readonly answers: Answers;
  readonly generations: Generations;
  reads = 0;
  readonly #world: World<VectorsPlan>;
  readonly #calls = new Calls();
  readonly #history = new History();
  /** The place of the last write that was acknowledged to anybody. */
  #latest: string | undefined;
  #numbers = 0;

  constructor(world: World<VectorsPlan>, holders: Holders) {
    this.#world = world;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    const { plan, store } = world;
    const history = this.#history;
    this.writes = new Writes({
      ...{ violate, history, holders, server: store.server },
      ...{ tombstones: plan.vectors.tombstones, time: () => store.time() },
    });
    const now = (): number => store.time() / 1_000;
    this.generations = new Generations({ violate, server: store.server, now });
    const isExact = [...plan.nodeClocks, ...plan.clients.map(({ clock }) => clock)].every(
      ({ rate }) => rate === 1,
    );
    this.answers = new Answers({
      ...{ violate, history, slack: isExact ? 0 : DRIFT, now },
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
    this.writes.look(call, reply);
    if (this.#world.plan.vectors.hasModels) this.generations.look(call, reply);
  }

  /** The server is back, or has just forgotten everything. */
  restarted(): void {
    this.writes.reload();
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

  get epoch(): string {
    return this.#history.epoch;
  }

  /** A process was told what has become of its write. */
  isTold(id: string, written: Written, n?: number): void {
    const { epoch, sequence } = readPlace(written.place);
    const state = this.#history.of(epoch, id).find((each) => each.sequence === sequence);
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
    const highest = Math.max(...ids.map((each) => this.#history.highestToken(each, nameOf(issuer))));
    if (token >= highest)
      this.violate('N1', `${issuer}'s token ${token} is told to be stale, and ${highest} is its highest`);
  }

  /** A process was told that a place belongs to an earlier epoch. */
  isLost(place: string): void {
    if (readPlace(place).epoch === this.epoch)
      this.violate('N2', `the place ${place} is told to be lost, whose epoch goes on`);
  }

  beginsToRead(after: string | undefined, seen: string | undefined): Reading {
    this.reads += 1;
    return { began: Math.floor(this.#world.store.time() / 1_000), after, seen };
  }

  /** A deletion by a filter has ended, which saw what was there at a place. */
  judgeDeletion(after: string | undefined, matches: (attributes: Attributes) => boolean): void {
    if (after === undefined || readPlace(after).epoch !== this.epoch) return;
    for (const state of this.present()) {
      const isLeft = state.sequence <= readPlace(after).sequence && state.expiry === 0;
      if (isLeft && state.attributes && matches(state.attributes))
        this.violate('N6', `${state.id}, which is ${state.body}, is left by a deletion that saw ${after}`);
    }
  }

  /** What every document is now. */
  present(): readonly State[] {
    return IDS.flatMap((id) => this.#history.of(this.epoch, id).at(-1) ?? []);
  }

  /** The last sequence of a document. */
  get lastSequence(): number {
    return Math.max(0, ...this.present().map(({ sequence }) => sequence));
  }

  /** Documents that are there now, at the server's time. */
  get size(): number {
    const now = this.#world.store.time() / 1_000;
    return this.present().filter((state) => isLive(state, now)).length;
  }
}
