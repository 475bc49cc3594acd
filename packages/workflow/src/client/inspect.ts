/**
 * What operators see of the runs of an app, and do to many of them.
 *
 * Guarantees: a list, and all pages of one together, give every run that is in the state all the while; one that comes to it or
 * leaves it meanwhile may be there or not, and in pages twice. What is done to many is done run by run: it may be repeated.
 */
import {
  callback,
  display,
  MisuseError,
  oneOf,
  optional,
  passedOn,
  readOptions,
  type Settings,
  text,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { RunGoneError } from '../errors.js';
import { parseRunName } from '../run-name.js';
import { END_STATES, RUN_STATES, type RunCounts, type RunState } from '../store/run-store.js';
import type { AnyWorkflow } from './options.js';
import type { Partition } from './partition.js';
import type { Run } from './run.js';
import { time } from './start-options.js';

export interface RunFilter {
  /** Default: all workflows of the app. */
  readonly workflow?: AnyWorkflow | string;
  /** Default: all states. */
  readonly state?: RunState;
  /** Those that came to their state then or later. */
  readonly from?: Date | number;
  /** Those that came to it before then. */
  readonly to?: Date | number;
}

export interface PageOptions extends RunFilter {
  /** The most runs of the page, 1 to 1000; it has a few more where Redis keeps more than that in one place. Default 100. */
  readonly limit?: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

export interface RunPage {
  /** In no order. */
  readonly runs: readonly RunInfo[];
  /** Of the next page; undefined on the last. */
  readonly next: string | undefined;
}

export interface RunInfo {
  readonly workflow: string;
  readonly id: string;
  readonly key: string | undefined;
  readonly state: RunState;
  /** When it came to that state. */
  readonly since: Date;
}

export interface ManyOptions extends RunFilter {
  /** Told after each of some hundred runs. What it throws ends the call, which rejects with it: what was done stays done. */
  readonly onProgress?: (progress: Many) => unknown;
}

export interface ReasonedOptions extends ManyOptions {
  /** Of each. Default: that somebody asked for it. */
  readonly reason?: string;
}

/** What was done to many runs. */
export interface Many {
  /** Runs to which it was done. */
  readonly done: number;
  /** Runs to which it could not be done, such as those that were over by then. */
  readonly passed: number;
}

export interface InspectHost {
  readonly partitions: readonly Pick<Partition, 'store'>[];
  readonly workflows: readonly AnyWorkflow[];
  /** Throws MisuseError. */
  readonly nameOf: (workflow: AnyWorkflow | string) => string;
  readonly handleOf: (run: RunInfo) => Run;
}

/** `workflow`: its name, or '' for all. */
interface Filter {
  readonly workflow: string;
  readonly state?: RunState;
  readonly from?: number;
  readonly to?: number;
}

const FILTER = {
  workflow: optional(passedOn<AnyWorkflow | string>()),
  state: optional(oneOf<RunState>(...RUN_STATES)),
  from: optional(time),
  to: optional(time),
};
const PAGE = {
  ...FILTER,
  limit: withDefault(whole(1, 1_000), 100),
  after: optional(text('the `next` of a page')),
};
const MANY = { ...FILTER, onProgress: optional(callback<(progress: Many) => unknown>()) };
const REASONED = { ...MANY, reason: optional(passedOn<string>()) };
const TO_MANY = { cancelMany: REASONED, terminateMany: REASONED, retryMany: MANY, purge: MANY };

/** Runs to which something is done at a time. */
const AT_ONCE = 64;

export class Inspection {
  readonly #host: InspectHost;

  constructor(host: InspectHost) {
    this.#host = host;
  }

  list(filter: RunFilter): AsyncIterable<RunInfo> {
    const settings = this.#filterOf(readOptions('list', filter, FILTER));
    return { [Symbol.asyncIterator]: () => this.#list(settings) };
  }

  async page(options: PageOptions): Promise<RunPage> {
    const { limit, after, ...filter } = readOptions('page', options, PAGE);
    const wanted = this.#filterOf(filter as Settings<typeof FILTER>);
    const sections = this.#sectionsOf(wanted);
    let place = after === undefined ? beginningOf(sections[0]) : placeOf(after, sections);
    const runs: RunInfo[] = [];
    const seen = new Set<string>();
    while (place !== undefined && runs.length < limit) {
      const page = await this.#read(wanted, place, limit - runs.length);
      const some = page.runs.filter(({ run }) => !seen.has(run));
      if (runs.length > 0 && runs.length + some.length > limit) break;
      for (const { run, info } of some) {
        seen.add(run);
        runs.push(info);
      }
      const { section } = place;
      place =
        page.next === '0'
          ? beginningOf(sections[sections.indexOf(section) + 1])
          : { section, from: page.next };
    }
    return { runs, next: place && cursorOf(place) };
  }

  async counts(workflow: AnyWorkflow | string | undefined): Promise<RunCounts> {
    const every = this.#host.workflows.map(({ name }) => name);
    const names = workflow === undefined ? every : [this.#host.nameOf(workflow)];
    const all = await Promise.all(this.#host.partitions.map(({ store }) => store.count(names)));
    const sum = (state: RunState): number => all.flat().reduce((total, counts) => total + counts[state], 0);
    return Object.fromEntries(RUN_STATES.map((state) => [state, sum(state)])) as RunCounts;
  }

  /** `act` gives whether it was done. */
  async many(
    where: keyof typeof TO_MANY,
    options: ReasonedOptions,
    act: (run: Run, reason: string | undefined) => Promise<boolean>,
  ): Promise<Many> {
    const read = readOptions<typeof MANY>(where, options, TO_MANY[where]);
    const { onProgress, reason, ...given } = read as typeof read & { readonly reason?: string };
    const filter = this.#filterOf(given);
    let [done, passed] = [0, 0];
    const doTo = async (infos: readonly RunInfo[]): Promise<void> => {
      const results = await Promise.all(
        infos.map((info) => act(this.#host.handleOf(info), reason).catch(notIfGone)),
      );
      const count = results.filter((isDone) => isDone).length;
      done += count;
      passed += results.length - count;
      await onProgress?.({ done, passed });
    };
    let page: RunInfo[] = [];
    for await (const info of this.#list(filter)) {
      page.push(info);
      if (page.length < AT_ONCE) continue;
      await doTo(page);
      page = [];
    }
    if (page.length > 0) await doTo(page);
    return { done, passed };
  }

  /** Throws MisuseError. */
  #filterOf({ workflow, ...rest }: Settings<typeof FILTER>): Filter {
    return { ...rest, workflow: workflow === undefined ? '' : this.#host.nameOf(workflow) } as Filter;
  }

  async *#list(filter: Filter): AsyncGenerator<RunInfo, void> {
    let [partition, seen] = [-1, new Set<string>()];
    for (const section of this.#sectionsOf(filter)) {
      if (section.partition !== partition) [partition, seen] = [section.partition, new Set()];
      let from = '0';
      do {
        const page = await this.#read(filter, { section, from });
        for (const { run, info } of page.runs) {
          if (seen.has(run)) continue;
          seen.add(run);
          yield info;
        }
        from = page.next;
      } while (from !== '0');
    }
  }

  /** Where runs that fit may be, in the order in which they are looked at: a run that ends meanwhile is not missed. */
  #sectionsOf({ state }: Filter): readonly Section[] {
    const kinds = state === undefined ? [false, true] : [END_STATES.some((each) => each === state)];
    return this.#host.partitions.flatMap((_, partition) => kinds.map((isOver) => ({ partition, isOver })));
  }

  async #read(
    { workflow, state, from: earliest = 0, to: latest = Number.POSITIVE_INFINITY }: Filter,
    { section: { partition, isOver }, from }: Place,
    most?: number,
  ): Promise<{ readonly next: string; readonly runs: readonly Listed[] }> {
    const { store } = this.#host.partitions[partition] as Pick<Partition, 'store'>;
    const since = { earliest, latest };
    const page = await store.list({ workflow, isOver, from, state, since, ...(most && { most }) });
    const names = new Set(this.#host.workflows.map(({ name }) => name));
    const runs = page.runs.flatMap(({ run, state: is, since: at }) => {
      const { workflow: of, id, key } = parseRunName(run);
      return names.has(of) ? [{ run, info: { workflow: of, id, key, state: is, since: new Date(at) } }] : [];
    });
    return { next: page.next, runs };
  }
}

interface Listed {
  readonly run: string;
  readonly info: RunInfo;
}

/** The runs of a partition that are over, or not. */
interface Section {
  readonly partition: number;
  readonly isOver: boolean;
}

/** Where in a section a page begins. */
interface Place {
  readonly section: Section;
  readonly from: string;
}

const beginningOf = (section: Section | undefined): Place | undefined => section && { section, from: '0' };

const cursorOf = ({ section: { partition, isOver }, from }: Place): string =>
  `${partition}.${isOver ? 'over' : 'live'}.${from}`;

/** Throws MisuseError for what is no cursor of these sections. */
function placeOf(cursor: string, sections: readonly Section[]): Place {
  const [, partition, kind, from = ''] = /^(\d{1,4})\.(live|over)\.(\d{1,20}|~.+)$/su.exec(cursor) ?? [];
  const section = sections.find(
    (each) => each.partition === Number(partition) && each.isOver === (kind === 'over'),
  );
  if (section) return { section, from };
  throw new MisuseError(
    `"after" is the next of a page of the same filter; got ${display(cursor)}. Begin without one.`,
  );
}

/** A run that is there no more is passed over. */
function notIfGone(error: unknown): boolean {
  if (error instanceof RunGoneError) return false;
  throw error;
}
