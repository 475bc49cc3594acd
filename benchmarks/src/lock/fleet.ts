/**
 * All contestants, each in a process of its own, and the order in which they take turns.
 *
 * Guarantees: only the contestant that is asked works; the others wait. A contestant that does not start is left out,
 * and the reason is kept.
 */
import { MeasuringProcess, processFile } from '../harness/process.js';
import { turns } from '../harness/turns.js';
import { manifestOf } from '../versions.js';
import type { Measured } from './comparison.js';
import { type Contestant, contestants } from './contestants.js';
import type { Measures, Request } from './measures/measures.js';

type Options<M extends keyof Measures> = Parameters<Measures[M]>[1];
type Result<M extends keyof Measures> = Awaited<ReturnType<Measures[M]>>;

/** One contestant that runs. */
export class Runner {
  readonly contestant: Contestant;
  readonly version: string;
  /** The versions of Node that the contestant's package asks for. */
  readonly engine: string;
  readonly #process: MeasuringProcess;

  constructor(contestant: Contestant, urls: readonly string[]) {
    this.contestant = contestant;
    const { version, engines } = manifestOf(contestant.package);
    this.version = version;
    this.engine = engines?.node ?? '*';
    const file = processFile(import.meta.url, 'contestant-process');
    this.#process = new MeasuringProcess(file, [contestant.name, ...urls]);
  }

  get name(): string {
    return this.contestant.name;
  }

  /** Resolves when the contestant is connected; rejects with the reason when it does not run here. */
  started(): Promise<void> {
    return this.#process.started();
  }

  measure<M extends keyof Measures>(measure: M, options: Options<M>): Promise<Result<M>> {
    return this.#process.ask<Result<M>>({ measure, options } satisfies Request);
  }

  stop(): void {
    this.#process.stop();
  }
}

export class Fleet {
  readonly runners: readonly Runner[];
  /**
   * The contestants that do not run here, with the reason, and those that run although they require a newer Node.js.
   */
  readonly remarks: readonly string[];

  private constructor(runners: readonly Runner[], remarks: readonly string[]) {
    this.runners = runners;
    this.remarks = remarks;
  }

  static async start(urls: readonly string[], who: readonly Contestant[] = contestants): Promise<Fleet> {
    const runners: Runner[] = [];
    const remarks: string[] = [];
    for (const contestant of who) {
      let runner: Runner | undefined;
      try {
        runner = new Runner(contestant, urls);
        await runner.started();
        runners.push(runner);
        if (isNewer(runner.engine)) {
          remarks.push(
            `${runner.name} requires Node ${runner.engine}; it ran on ${process.version} all the same.`,
          );
        }
      } catch (error) {
        runner?.stop();
        remarks.push(`${contestant.name} did not run on Node ${process.version}: ${String(error)}`);
      }
    }
    return new Fleet(runners, remarks);
  }

  /** Everybody once, in the order of `round`. */
  turns(round: number): readonly Runner[] {
    return turns(this.runners, round);
  }

  /** All contestants as reports describe them, with the memory that they have used so far. */
  describe(): Promise<Measured[]> {
    return Promise.all(
      this.runners.map(async (runner) => ({
        name: runner.name,
        role: runner.contestant.role,
        remark: runner.contestant.remark,
        version: runner.version,
        peakRss: await runner.measure('peak', undefined),
      })),
    );
  }

  stop(): void {
    for (const runner of this.runners) runner.stop();
  }
}

/** Whether a range such as ">=22.0.0" begins after the Node that runs. */
function isNewer(range: string): boolean {
  const [, wanted] = /^>=\s*(\d+)/.exec(range) ?? [];
  return Number(wanted ?? 0) > Number(process.versions.node.split('.')[0]);
}
