/**
 * Runs a workflow once for every commit at which its worker may fail, in each of three ways, and compares what comes of it.
 *
 * The ways: the commit is carried out and its answer lost; the commit never arrives; the worker is frozen, another goes on
 * with the run, and then the commit arrives. Guarantees: in each case another worker goes on with the run. What must not be
 * is an Error that names the commit and the way: a late commit that is accepted, or another end of the run.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Clock, readOptions, seededRandom } from '@holdfast/kernel';
import { type AnyWorkflow, APP } from '../client/options.js';
import type { Run } from '../client/run.js';
import { App } from '../client/workflows.js';
import type { Workflow } from '../define.js';
import { type JournalRecord, keptError } from '../journal/record.js';
import { MemoryPartition } from '../store/memory-partition.js';
import { MemoryStore } from '../store/memory-store.js';
import type { CommitRequest, Committed } from '../store/store.js';
import { Gate, gatedClock } from './gate.js';
import { LEASE, settle } from './test-workflows.js';
import { VirtualClock } from './virtual-clock.js';

export type CrashWay = 'answer lost' | 'call lost' | 'frozen';

const WAYS: readonly CrashWay[] = ['answer lost', 'call lost', 'frozen'];

export interface EveryCrashOptions<Input, Result> {
  /**
   * Makes the workflow anew for each case, with whatever its bodies keep; and behind it, in an array, those that it runs as
   * children.
   */
  readonly make: () => Workflow<Input, Result> | readonly [Workflow<Input, Result>, ...AnyWorkflow[]];
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
  const made = make();
  const workflows = 'run' in made ? ([made] as const) : made;
  const [workflow] = workflows;
  const appOn = (store: MemoryStore, its: Clock, seed: number): App =>
    new App([store], readOptions('everyCrash', { workflows, clock: its, random: seededRandom(seed) }, APP));
  const failing = new FailingStore(clock, partition, { commit, way });
  const asker = appOn(new MemoryStore(clock, partition), clock, 1);
  const first = appOn(failing, failing.clock, 2);
  const second = appOn(new MemoryStore(clock, partition), clock, 3);
  const until = <T>(work: Promise<T>): Promise<T> => settle(clock, work, YEAR);
  first.work({ lease: LEASE });
  const run = await until(asker.start(workflow, input, { id: 'run' }));
  const told = script?.(run);
  const ended = run.result().then(
    (result): CrashEnd<Result> => ({ result }),
    (error: unknown): CrashEnd<Result> => {
      const { name, message } = keptError(error);
      return { error: { name, message } };
    },
  );
  if (way !== undefined) {
    await until(Promise.race([failing.failed, ended]));
    second.work({ lease: LEASE });
    if (failing.session !== undefined) partition.sessions.expire(failing.session);
  }
  const [end] = await until(Promise.all([ended, told]));
  const history = await until(run.history());
  const late = await until(failing.thaw());
  if (late && late.word !== 'stale') {
    throw new Error(
      `commit ${commit} of a frozen worker was accepted after another had taken over: ${late.word}`,
    );
  }
  return { made: { commit, way, end, history }, commits: failing.commits };
}

/** The store of a worker that fails at one of its commits: from then on, nothing of it arrives anywhere. */
class FailingStore extends MemoryStore {
  /** Of the worker. */
  readonly clock: Clock;
  /** Resolves when it has failed. */
  readonly failed: Promise<void>;
  /** Of the worker that has failed. */
  session: string | undefined;
  commits = 0;
  readonly #at: { readonly commit: number; readonly way: CrashWay | undefined };
  readonly #gate: Gate;
  readonly #partition: MemoryPartition;
  #fail: () => void = () => {};
  #held: Promise<Committed> | undefined;

  constructor(
    clock: VirtualClock,
    partition: MemoryPartition,
    at: { readonly commit: number; readonly way: CrashWay | undefined },
  ) {
    const gate = new Gate();
    const gated = gatedClock(clock, gate);
    super(gated, partition);
    this.clock = gated;
    this.#gate = gate;
    this.#partition = partition;
    this.#at = at;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  override commit(request: CommitRequest): Promise<Committed> {
    this.commits += 1;
    if (this.commits !== this.#at.commit) return super.commit(request);
    this.session = request.session;
    this.#gate.shut();
    this.#fail();
    if (this.#at.way === 'answer lost') this.#partition.commit(request);
    if (this.#at.way !== 'frozen') return new Promise(() => {});
    this.#held = super.commit(request);
    return this.#held;
  }

  /** A frozen worker goes on; gives what its commit was answered. */
  async thaw(): Promise<Committed | undefined> {
    if (this.#held) this.#gate.open();
    return this.#held;
  }
}
