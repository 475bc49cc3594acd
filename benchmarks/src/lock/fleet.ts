/**
 * All contestants, each in a process of its own, and the order in which they take turns.
 *
 * Guarantees: only the contestant that is asked works; the others wait. Who does not start is left out, and the
 * reason is kept. The order rotates from round to round and is reversed in every other one, so that nobody always
 * follows the same neighbour. A process that ends unasked rejects what was asked of it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestOf } from '../versions.js';
import type { Measured } from './comparison.js';
import { type Contestant, contestants } from './contestants.js';
import type { Measures, Request, Response } from './measures/measures.js';

type Options<M extends keyof Measures> = Parameters<Measures[M]>[1];
type Result<M extends keyof Measures> = Awaited<ReturnType<Measures[M]>>;

/** One contestant that runs. */
export class Runner {
  readonly contestant: Contestant;
  readonly version: string;
  /** The versions of Node that the contestant's package asks for. */
  readonly engine: string;
  readonly #child: ChildProcess;

  constructor(contestant: Contestant, urls: readonly string[]) {
    this.contestant = contestant;
    const { version, engines } = manifestOf(contestant.package);
    this.version = version;
    this.engine = engines?.node ?? '*';
    this.#child = fork(processFile(import.meta.url, 'contestant-process'), [contestant.name, ...urls], {
      serialization: 'advanced',
    });
  }

  get name(): string {
    return this.contestant.name;
  }

  /** Resolves when the contestant is connected; rejects with the reason when it does not run here. */
  async started(): Promise<void> {
    await answerOf(this.#child);
  }

  async measure<M extends keyof Measures>(measure: M, options: Options<M>): Promise<Result<M>> {
    const request: Request = { measure, options };
    const answer = answerOf(this.#child);
    this.#child.send(request);
    return (await answer) as Result<M>;
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

export class Fleet {
  readonly runners: readonly Runner[];
  /** Who does not run here, with the reason, and who runs though it asks for a newer Node. */
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
            `${runner.name} asks for Node ${runner.engine}; it ran on ${process.version} all the same.`,
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
    const start = round % this.runners.length;
    const rotated = [...this.runners.slice(start), ...this.runners.slice(0, start)];
    return round % 2 === 0 ? rotated : rotated.reverse();
  }

  /** Everybody as the reports tell of them, with the memory that they have had so far. */
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

/** The file of a child process beside the module `url`: TypeScript in development, JavaScript when built. */
export function processFile(url: string, name: string): string {
  return fileURLToPath(new URL(`./${name}${extname(url)}`, url));
}

/** The next message of `child`. */
export function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (response: Response): void => {
      child.off('exit', onExit);
      if ('error' in response) reject(new Error(response.error));
      else resolve(response.result);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      child.off('message', onMessage);
      reject(new Error(`the process ended with ${signal ?? `code ${code}`}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });
}
