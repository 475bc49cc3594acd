/**
 * What operators see of the runs of an app, and do to many of them.
 *
 * Guarantees: a list gives every run that is in the state all the while; one that comes to it or leaves it meanwhile may be
 * there or not. What is done to many is done run by run: it may be repeated.
 */
import { callback, oneOf, optional, passedOn, readOptions, type Settings } from '@holdfast/kernel';
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

  async *#list({
    workflow,
    state,
    from = 0,
    to = Number.POSITIVE_INFINITY,
  }: Filter): AsyncGenerator<RunInfo, void> {
    const isOver = END_STATES.some((each) => each === state);
    const kinds = state === undefined ? [false, true] : [isOver];
    const names = new Set(this.#host.workflows.map(({ name }) => name));
    for (const { store } of this.#host.partitions) {
      const seen = new Set<string>();
      for (const kind of kinds) {
        let next = '0';
        do {
          const page = await store.list({ workflow, isOver: kind, from: next });
          for (const each of page.runs) {
            const { workflow: of, id, key } = parseRunName(each.run);
            const fits =
              names.has(of) && (state === undefined || each.state === state) && !seen.has(each.run);
            if (!fits || each.since < from || each.since >= to) continue;
            seen.add(each.run);
            yield { workflow: of, id, key, state: each.state, since: new Date(each.since) };
          }
          next = page.next;
        } while (next !== '0');
      }
    }
  }
}

/** A run that is there no more is passed over. */
function notIfGone(error: unknown): boolean {
  if (error instanceof RunGoneError) return false;
  throw error;
}
