/**
 * Runs a workflow once for every commit at which its worker may fail, in each of three ways, and compares what comes of it.
 *
 * The ways: the commit is carried out and its answer lost; the commit never arrives; the worker is frozen, another goes on
 * with the run, and then the commit arrives. Guarantees: in each case another worker goes on with the run. What must not be
 * is an Error that names the commit and the way: a late commit that is accepted, or another end of the run.
 */
import { isDeepStrictEqual } from 'node:util';
import { readOptions, seededRandom } from '@holdfast/kernel';
import { APP } from '../client/options.js';
import type { Run } from '../client/run.js';
import { App, type Workflows } from '../client/workflows.js';
import type { Workflow } from '../define.js';
import { type JournalRecord, keptError } from '../journal/record.js';
import { MemoryPartition } from '../store/memory-partition.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Committed, CommitRequest } from '../store/store.js';
import { LEASE, settle } from './test-workflows.js';
import { VirtualClock } from './virtual-clock.js';

export type CrashWay = 'answer lost' | 'call lost' | 'frozen';

const WAYS: readonly CrashWay[] = ['answer lost', 'call lost', 'frozen'];

export interface EveryCrashOptions<Input, Result> {
  /** Makes the workflow anew for each case, with whatever its bodies keep. */
  readonly make: () => Workflow<Input, Result>;
  readonly input: Input;
  /** What happens from outside, such as messages; it is called once the run has started. */
  readonly script?: (run: Run<Result>) => Promise<unknown>;
  /** Whether two ends are the same. Default: they are deeply equal. */
  readonly isSame?: (one: CrashEnd<Result>, other: CrashEnd<Result>) => boolean;
}

/** How a run has ended. */
export type CrashEnd<Result> =
  | { readonly result: Result }
  | { readonly error: { readonly name: string; readonly message: string } };

export interface CrashCase<Result> {
  /** Which commit was cut, from 1; 0 for none. */
  readonly commit: number;
  readonly way: CrashWay | undefined;
  readonly end: CrashEnd<Result>;
  readonly history: readonly JournalRecord[];
}

/** The most commits of a run that are gone through. */
const MOST_COMMITS = 1_000;
const YEAR = 366 * 24 * 3_600_000;

/** Gives every case, that without a crash first. Throws an Error for the first that is wrong. */
export async function everyCrash<Input, Result>(
  options: EveryCrashOptions<Input, Result>,
): Promise<readonly CrashCase<Result>[]> {
  const { isSame = isDeepStrictEqual } = options;
  const whole = await runCase(options, 0, undefined);
  const cases = [whole.made];
  for (let commit = 1; commit <= Math.min(whole.commits, MOST_COMMITS); commit += 1) {
    for (const way of WAYS) {
      const { made } = await runCase(options, commit, way);
      if (!isSame(made.end, whole.made.end)) {
        throw new Error(
          `with commit ${commit} cut (${way}), the run ends as ${JSON.stringify(made.end)}; without, as ${JSON.stringify(whole.made.end)}`,
        );
      }
      cases.push(made);
    }
  }
  return cases;
}

async function runCase<Input, Result>(
  { make, input, script }: EveryCrashOptions<Input, Result>,
  commit: number,
  way: CrashWay | undefined,
): Promise<{ made: CrashCase<Result>; commits: number }> {
  const clock = new VirtualClock();
  const partition = new MemoryPartition(clock);
  const workflow = make();
  const appOn = (store: MemoryStore, seed: number): Workflows =>
    new App(store, readOptions('everyCrash', { workflows: [workflow], clock, random: seededRandom(seed) }, APP));
  const failing = new FailingStore(clock, partition, { commit, way });
  const [asker, first, second] = [
    appOn(new MemoryStore(clock, partition), 1),
    appOn(failing, 2),
    appOn(new MemoryStore(clock, partition), 3),
  ];
  const until = <T>(work: Promise<T>): Promise<T> => settle(clock, work, YEAR);
  first.work({ lease: LEASE });
  const run = await until(asker.start(workflow, input, { id: 'run' }));
  const told = script?.(run);
  let end: CrashEnd<Result> | undefined;
  const ended = run.result().then(
    (result) => {
      end = { result };
    },
    (error: unknown) => {
      const { name, message } = keptError(error);
      end = { error: { name, message } };
    },
  );
  if (way !== undefined) {
    await until(Promise.race([failing.failed, ended]));
    // The session ends, and another worker takes over.
    second.work({ lease: LEASE });
    if (failing.session !== undefined) partition.expire(failing.session);
  }
  await until(Promise.all([ended, told]));
  const late = await until(failing.thaw());
  if (late && late.word !== 'stale') {
    throw new Error(`commit ${commit} of a frozen worker was accepted after another had taken over: ${late.word}`);
  }
  const history = await until(run.history());
  return { made: { commit, way, end: end as CrashEnd<Result>, history }, commits: failing.commits };
}

/** The store of a worker that fails at one of its commits. */
class FailingStore extends MemoryStore {
  /** Resolves when it has failed. */
  readonly failed: Promise<void>;
  /** Of the worker that has failed. */
  session: string | undefined;
  commits = 0;
  readonly #at: { readonly commit: number; readonly way: CrashWay | undefined };
  #fail: () => void = () => {};
  #held: CommitRequest | undefined;

  constructor(
    clock: VirtualClock,
    partition: MemoryPartition,
    at: { readonly commit: number; readonly way: CrashWay | undefined },
  ) {
    super(clock, partition);
    this.#at = at;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  override async commit(request: CommitRequest): Promise<Committed> {
    if (this.session !== undefined) return never();
    this.commits += 1;
    if (this.commits !== this.#at.commit) return super.commit(request);
    this.session = request.session;
    if (this.#at.way === 'answer lost') await super.commit(request);
    if (this.#at.way === 'frozen') this.#held = request;
    this.#fail();
    return never();
  }

  /** What was held arrives. */
  async thaw(): Promise<Committed | undefined> {
    return this.#held && super.commit(this.#held);
  }
}

const never = <T>(): Promise<T> => new Promise(() => {});
