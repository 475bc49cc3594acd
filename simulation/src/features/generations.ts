/**
 * Which generation of each view was read when, and what may take its place, judged when the catalog answers.
 *
 * Guarantees: a generation goes live only while the one before takes no rows, and with all that was promised of its lanes. No
 * change is made under a token below one that has changed the view. What a change leads back to was said to be there.
 */

import type { GenerationInfo } from '@holdfast/features';
import type { Call } from '../run/calls.js';
import type { Violate } from '../run/part.js';
import type { World } from '../world/world.js';
import { CATALOG, PARTITIONS } from './names.js';
import { compareOffsets } from './offsets.js';
import type { FeaturesPlan } from './plan.js';
import { recordOf, Servers } from './servers.js';

interface Span {
  readonly generation: string;
  /** True time at which another took its place, in microseconds. */
  to: number;
}

const VIEWS = ['profile', 'counts'] as const;

/** The views that verbs change, and the token under which. */
const CHANGES: Readonly<
  Record<string, (args: readonly string[]) => readonly [readonly string[], string | undefined]>
> = {
  begin: ([view = '', token]) => [[view], token],
  retire: ([view = '', , token]) => [[view], token],
  abandon: ([view = '', , token]) => [[view], token],
  cut: ([token, , , ...moves]) => [moves.filter((_, place) => place % 2 === 0), token],
  swap: ([, token, , ...views]) => [views, token],
};

export class GenerationsSeen {
  /** "<view>.<generation>" into which the rows of batches are copied: it has all of them when it goes live. */
  readonly copies = new Set<string>();
  /** When what is live has last changed, in microseconds. */
  changedAt = 0;
  readonly #world: World<FeaturesPlan>;
  readonly #servers: Servers;
  readonly #violate: Violate;
  /** "<view>.<generation>", when each was live. */
  readonly #spans: Span[] = [];
  /** "<generation of profile> <generation of counts>", when they were live together. */
  readonly #pairs: Span[] = [];
  readonly #swept = new Map<string, number>();
  /** The highest token that has changed a view. */
  readonly #builders = new Map<string, number>();
  readonly #begun = new Map<string, number>();
  /** The highest number of a generation of each view. */
  readonly #numbers = new Map<string, number>();
  readonly #together = new Map<string, readonly string[]>();
  /** What the catalog said last. */
  #lineup: { readonly n: string; readonly state: string } | undefined;
  /** Of tokens under which what is lacking is accepted: what was. */
  readonly #accepted = new Map<number, string[]>();
  /** "<view>.<generation>:<name>" of those that are kept, until when, in microseconds of the server. */
  readonly #pins = new Map<string, number>();

  constructor(world: World<FeaturesPlan>, violate: Violate) {
    this.#world = world;
    this.#servers = new Servers(world as never);
    this.#violate = violate;
  }

  live(view: string): string | undefined {
    return this.#catalog().get(`live:${view}`);
  }

  /** Whether generations of the two views were live together at some time since then. */
  wereTogether(pair: readonly [profile: string, counts: string], since: number): boolean {
    return this.#pairs.some(({ generation, to }) => generation === pair.join(' ') && to >= since);
  }

  /** "<view>.<generation>" of those that were live at some time since then. */
  liveSince(view: string, since: number): readonly string[] {
    const spans = this.#spans.filter(
      ({ generation, to }) => generation.startsWith(`${view}.`) && to >= since,
    );
    return spans.map(({ generation }) => generation);
  }

  /** The generation that was live before, and the one that is now, "<view>.<generation>". */
  lastCut(view: string): readonly [before: string, live: string] {
    const catalog = this.#catalog();
    const [old = ''] = (catalog.get(`before:${view}`) ?? '').split(' ', 1);
    return [`${view}.${old}`, `${view}.${catalog.get(`live:${view}`)}`];
  }

  sweptAt(generation: string): number {
    return this.#swept.get(generation) ?? Number.POSITIVE_INFINITY;
  }

  look({ verb, keys, args }: Call, reply: readonly unknown[]): void {
    // Most calls are of partitions, and change nothing of what is asked here.
    const isOfCatalog = keys.includes(CATALOG);
    const [views, token] = (reply[0] === 'done' && CHANGES[verb]?.(args)) || [[], undefined];
    for (const view of views) {
      this.#requireRight(verb, view, Number(token));
      if (verb === 'begin') this.#began(view, String(reply[2]));
      if (verb === 'swap') this.#swapped(view, Number(token));
      if (verb === 'retire') this.#retired(`${view}.${args[1]}`);
    }
    if (verb === 'swap' && reply[0] === 'done') this.#requireTogether(views);
    if (isOfCatalog) this.#requireNumber(verb);
    if (verb === 'pin' && reply[0] === 'done') this.#pinned(args, reply);
    if (verb === 'unpin') for (const name of pairsOf(args.slice(1))) this.#pins.delete(`${name}:${args[0]}`);
    if (verb === 'drop' && reply[0] === 'dropped') this.#dropped(args[0] ?? '');
    if (isOfCatalog) this.#note();
  }

  /** Generations that are cut together, "<view>.<generation>": none is read before the others. */
  areTogether(generations: readonly string[]): void {
    for (const each of generations) this.#together.set(each, generations);
  }

  /** A process was told which generations there are; this one was live when it asked. */
  judgeLineup(view: string, live: string | undefined, all: readonly GenerationInfo[]): void {
    if (live === undefined || this.live(view) !== live) return;
    if (!all.some(({ id, state }) => id === live && state === 'live'))
      this.#violate('V6', `${view}.${live} is live; told were ${JSON.stringify(all)}`);
  }

  /** Under this token, a generation is gone back to whatever it lacks. */
  accepts(token: number): void {
    this.#accepted.set(token, []);
  }

  /** What it lacks, a process was told. */
  isAccepted(token: number, missing: readonly string[]): void {
    const lacked = this.#accepted.get(token) ?? [];
    if (lacked.length > missing.length)
      this.#violate(
        'V4',
        `what was gone back to lacks ${lacked.join(', ')}; said was: ${missing.join(', ')}`,
      );
  }

  reload(): void {
    this.#pins.clear();
    for (const [field, until] of this.#catalog())
      if (field.startsWith('pin:')) this.#pins.set(field.slice(4), Number(until));
    this.#lineup = undefined;
    this.#note();
  }

  /** Who has changed a view is forgotten with the catalog. */
  forgets(): void {
    this.#builders.clear();
    // Its numbers are given again.
    this.#swept.clear();
    this.#numbers.clear();
    this.#lineup = undefined;
  }

  #catalog(): ReadonlyMap<string, string> {
    return (this.#servers.look(CATALOG) as ReadonlyMap<string, string> | undefined) ?? new Map();
  }

  /** All of them go live in the step that takes the first of them. */
  #requireTogether(views: readonly string[]): void {
    for (const view of views) {
      const name = `${view}.${this.live(view)}`;
      const others = this.#together.get(name) ?? [];
      this.#together.delete(name);
      const lacking = others.find((each) => !views.includes(each.split('.', 1)[0] ?? ''));
      if (lacking !== undefined) this.#violate('G3', `${name} went live without ${lacking}, as it was to`);
    }
  }

  /** No two states of the catalog have one number. */
  #requireNumber(verb: string): void {
    const catalog = this.#catalog();
    const n = catalog.get('n') ?? '';
    const state = VIEWS.flatMap((view) =>
      ['live', 'generations', 'cutting'].map((what) => catalog.get(`${what}:${view}`) ?? ''),
    ).join('; ');
    const before = this.#lineup;
    this.#lineup = { n, state };
    if (before !== undefined && before.n === n && before.state !== state)
      this.#violate('G6', `${verb} has changed the catalog, which still has the number ${n}`);
  }

  #requireRight(verb: string, view: string, token: number): void {
    const highest = this.#builders.get(view) ?? 0;
    if (token < highest)
      this.#violate('G5', `${verb} of ${view} under ${token}, after ${highest} has changed it`);
    this.#builders.set(view, Math.max(token, highest));
  }

  #began(view: string, generation: string): void {
    const name = `${view}.${generation}`;
    const number = Number(generation.split('-', 1)[0]);
    if (this.#begun.has(name) && this.#begun.get(name) !== number)
      this.#violate('G5', `the generation ${name} was begun twice`);
    if (this.#spans.some((span) => span.generation === name))
      this.#violate('G5', `the generation ${name} was begun, although it had been live`);
    const highest = this.#numbers.get(view) ?? 0;
    if (!this.#begun.has(name) && number <= highest)
      this.#violate('G5', `the generation ${name} was begun after number ${highest}`);
    this.#numbers.set(view, Math.max(number, highest));
    this.#begun.set(name, number);
  }

  #pinned([by = '', , ...wanted]: readonly string[], [, , until, ...ids]: readonly unknown[]): void {
    for (const [place, id] of ids.entries())
      this.#pins.set(`${wanted[2 * place]}.${String(id)}:${by}`, Number(until));
  }

  #retired(generation: string): void {
    for (const [name, until] of this.#pins) {
      if (!name.startsWith(`${generation}:`)) continue;
      if (until > this.#world.store.time())
        this.#violate('V2', `${generation} has ended, although ${name} keeps it until ${until}`);
      this.#pins.delete(name);
    }
  }

  /** The new one is live by now. */
  #swapped(view: string, token: number): void {
    const [old = '', next = ''] = this.lastCut(view).map((name) => name.slice(view.length + 1));
    const records = Array.from({ length: PARTITIONS }, (_, n) => recordOf(this.#servers, n));
    for (const [partition, record] of records.entries()) {
      if (!record.has(`closed:${view}.${old}`))
        this.#violate('G2', `${view}.${next} went live, while partition ${partition} took rows into ${old}`);
    }
    const offsets = (generation: string, source: string): readonly string[] =>
      records.map((record) => record.get(`offset:${view}.${generation}:stream:${source}`) ?? '-1 0');
    for (const source of ['0', '1']) {
      const wanted = [...offsets(old, source)].sort(compareOffsets).at(-1) ?? '';
      const [has = ''] = [...offsets(next, source)].sort(compareOffsets);
      if (compareOffsets(has, wanted) >= 0) continue;
      const accepted = this.#accepted.get(token);
      if (accepted !== undefined) accepted.push(`${view}: ${source} through ${has}, not ${wanted}`);
      else
        this.#violate(
          'G2',
          `${view}.${next} went live with partition ${source} of its source through ${has}, not ${wanted}`,
        );
    }
  }

  /** Rows of a generation are deleted only after the lease of whoever may read it. */
  #dropped(generation: string): void {
    if (this.#swept.has(generation)) return;
    const { now } = this.#world.scheduler;
    this.#swept.set(generation, now);
    const [view = ''] = generation.split('.', 1);
    if (`${view}.${this.live(view)}` === generation)
      this.#violate('G1', `${generation} is swept, which is read`);
  }

  #note(): void {
    const { now } = this.#world.scheduler;
    for (const view of VIEWS) {
      const live = this.live(view);
      const span = this.#spans.findLast(({ generation }) => generation.startsWith(`${view}.`));
      const generation = `${view}.${live}`;
      if (live === undefined || span?.generation === generation) continue;
      if (span !== undefined) span.to = now;
      this.#spans.push({ generation, to: Number.POSITIVE_INFINITY });
      this.changedAt = now;
    }
    const pair = `${this.live('profile')} ${this.live('counts')}`;
    const last = this.#pairs.at(-1);
    if (last?.generation === pair) return;
    if (last !== undefined) last.to = now;
    this.#pairs.push({ generation: pair, to: Number.POSITIVE_INFINITY });
  }
}

/** "<view>.<generation>" of views and generations in turn. */
const pairsOf = (args: readonly string[]): readonly string[] =>
  args.flatMap((view, place) => (place % 2 === 0 ? [`${view}.${args[place + 1]}`] : []));
