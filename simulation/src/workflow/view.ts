/** What the simulated server has of the app, for those who judge it. */
import type { World } from '../world/world.js';
import { key } from './names.js';
import type { WorkflowPlan } from './plan.js';

/** What a run is, as LIVE has it; `word` is `o` for one that is owned. */
export interface Entry {
  readonly word: string;
  readonly token?: number;
  readonly commits?: number;
  readonly session?: string;
  /** By when it has to begin; '-' if it has begun, '0' if it may at any time. */
  readonly expires: string;
  readonly build: string;
}

/** What a script answers: words, or lists of them. */
export type Answer = readonly (string | readonly string[])[];

/** The runs that an answer to `work` gives, in the order of their tokens. `mark` is `e` for one that is to end unbegun. */
export function claimsOf(answer: Answer): readonly { readonly run: string; readonly mark: string }[] {
  return answer.slice(7).map((claim) => {
    const [run = '', , mark = ''] = claim;
    // Behind the mark is how often the run has fallen.
    return { run, mark: mark.replace(/\d+$/, '') };
  });
}

/** The workflows of whoever calls `work`, and their builds. */
export function servedBy(args: readonly string[]): ReadonlyMap<string, string> {
  const served = new Map<string, string>();
  for (let at = 5; at < args.length; at += 2) served.set(args[at] ?? '', args[at + 1] ?? '');
  return served;
}

export class View {
  readonly #world: World<WorkflowPlan>;

  constructor(world: World<WorkflowPlan>) {
    this.#world = world;
  }

  /** The server's time, in ms since 1970. */
  get now(): number {
    return Math.floor(this.#world.store.time() / 1_000);
  }

  hash(name: string): ReadonlyMap<string, string> {
    return (this.#look(name) as ReadonlyMap<string, string> | undefined) ?? new Map();
  }

  scores(name: string): ReadonlyMap<string, number> {
    return (this.#look(name) as ReadonlyMap<string, number> | undefined) ?? new Map();
  }

  list(name: string): readonly string[] | undefined {
    return this.#look(name) as readonly string[] | undefined;
  }

  /** The id of the last event, as readers are told it; undefined if there is none. */
  get lastEvent(): string | undefined {
    const events = this.#look('events') as { readonly last: readonly [number, number] } | undefined;
    return events && `0:${events.last.join('-')}`;
  }

  /** A journal; undefined if there is none. */
  journal(run: string, generation: string): readonly string[] | undefined {
    return this.list(`j:${run}.${generation}`);
  }

  entry(run: string): Entry | undefined {
    const text = this.hash('live').get(run);
    return text === undefined ? undefined : entryOf(text);
  }

  #look(name: string): unknown {
    return this.#world.store.server.look(key(name));
  }
}

export function entryOf(text: string): Entry {
  const [one = '', two = '', three = '', four = '', five = ''] = text.split(':');
  if (/^[a-z]$/.test(one)) return { word: one, build: three, expires: four };
  return {
    ...{ word: 'o', token: Number(one), commits: Number(two), session: three },
    ...{ expires: '-', build: five },
  };
}
