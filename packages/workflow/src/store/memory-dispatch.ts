/**
 * Which runs of a partition in memory wait, for what, and who gets them: what lua/ready.lua, lua/lines.lua and lua/claim.lua
 * do. For tests of workflows only.
 */

/** What a run is that is not over. */
export interface Life {
  readonly run: string;
  word: 'ready' | 'line' | 'delayed' | 'parked' | 'stuck' | 'owned';
  readonly priority: number;
  readonly keyed: boolean;
  /** Such as "3", "3=" of one that only that build may go on with, or "e" of one that any worker ends. */
  build: string;
  /** By when it has to begin, in ms, or 0; undefined of one that has begun. */
  expires: number | undefined;
  /** Its place among those that are in the same state. */
  since: number;
  /** When a parked one goes on, or a delayed one begins, in ms; 0 for never. */
  due: number;
  /** Of one that is owned. */
  token: number;
  session: string;
  commits: number;
}

/** What another run that is made of a run has of it. */
export type Terms = Pick<Life, 'priority' | 'build'>;

const SUSPECT = 2;
const FIRST = 1e15;

/** A worker's workflow, as it claims runs. */
export interface Wanted {
  readonly workflow: string;
  readonly build: string;
  readonly most: number;
  /** The most of them that have not begun. */
  readonly fresh: number;
}

export class MemoryDispatch {
  readonly lives = new Map<string, Life>();
  readonly falls = new Map<string, number>();
  /** The highest build of each workflow that a worker has had. */
  readonly #builds = new Map<string, number>();
  /** The run that has a key, by line. */
  readonly #holders = new Map<string, string>();
  /** "<workflow> <build> <session>". */
  readonly #sleepers = new Set<string>();
  /** Sends a bell to a session; whether it is heard. */
  readonly #ring: (session: string) => boolean;
  #stamps = FIRST;

  constructor(ring: (session: string) => boolean) {
    this.#ring = ring;
  }

  makeReady(life: Life, first: boolean): void {
    this.#stamps += 1;
    Object.assign(life, { word: 'ready', since: this.#stamps - (first ? FIRST : 0) });
    for (const sleeper of [...this.#sleepers].sort()) {
      const [workflow = '', build = '', session = ''] = sleeper.split(' ');
      if (life.build !== 'e' && !(workflow === workflowOf(life.run) && mayHave(build, life.build))) continue;
      this.#sleepers.delete(sleeper);
      if (this.#ring(session)) return;
    }
  }

  /** A run that may begin now: it is ready, or waits for its key. */
  enter(life: Life): 'ready' | 'line' {
    const holder = this.#holders.get(lineOf(life.run)) ?? life.run;
    if (!life.keyed || holder === life.run) {
      if (life.keyed) this.#holders.set(lineOf(life.run), life.run);
      this.makeReady(life, false);
      return 'ready';
    }
    this.#stamps += 1;
    Object.assign(life, { word: 'line', since: this.#stamps });
    return 'line';
  }

  /** A run that was over, or is made of a part of another, which has not begun. A child has no key. */
  enterAgain(run: string, terms: Terms, expires: 0 | undefined): void {
    const life: Life = {
      ...{
        run,
        keyed: !/\/~[^/]*$/.test(run),
        priority: terms.priority,
        expires,
        word: 'ready',
        build: terms.build === 'e' ? '0' : terms.build,
      },
      ...{ since: 0, due: 0, token: 0, session: '', commits: 0 },
    };
    this.lives.set(run, life);
    this.enter(life);
  }

  /** It is over: the next of its line is ready. */
  end(run: string): void {
    const line = lineOf(run);
    this.lives.delete(run);
    if (this.#holders.get(line) !== run) return;
    this.#holders.delete(line);
    // A line goes in the order in which its runs might have begun, whatever their priorities.
    const [next] = [...this.lives.values()]
      .filter((life) => life.word === 'line' && lineOf(life.run) === line)
      .sort((one, other) => one.since - other.since);
    if (next) this.enter(next);
  }

  /** Any worker ends it, before it has begun. */
  endUnbegun(life: Life): void {
    Object.assign(life, { build: 'e', expires: undefined });
    this.makeReady(life, false);
  }

  /** What is due goes on, begins, or is over before it has begun. */
  letGo(now: number): void {
    for (const life of this.lives.values()) {
      if (life.word === 'owned' || life.word === 'stuck') continue;
      if (life.expires !== undefined && life.expires > 0 && life.expires <= now) this.endUnbegun(life);
      else if (life.word === 'parked' && life.due > 0 && life.due <= now) this.makeReady(life, false);
      else if (life.word === 'delayed' && life.due <= now) this.enter(life);
    }
  }

  /** When `letGo` has something to do next, in ms. */
  get due(): number {
    const times = [...this.lives.values()].flatMap(({ word, due, expires = 0 }) => [
      word === 'parked' || word === 'delayed' ? due : 0,
      word === 'owned' ? 0 : expires,
    ]);
    return Math.min(...times.filter((time) => time > 0));
  }

  /** A worker has it. With a build that is higher than all before, what is stuck goes on; gives those runs. */
  noteBuild(workflow: string, build: string): readonly Life[] {
    const number = Number.parseInt(build, 10);
    if (number <= (this.#builds.get(workflow) ?? -1)) return [];
    this.#builds.set(workflow, number);
    const mended = [...this.lives.values()].filter(
      (life) => life.word === 'stuck' && workflowOf(life.run) === workflow && !life.build.endsWith('='),
    );
    for (const life of mended) {
      this.falls.delete(life.run);
      life.build = String(number);
      this.makeReady(life, false);
    }
    return mended;
  }

  /** Runs that wait and that no worker of these builds may have. */
  unserved(workflow: string, builds: readonly string[]): readonly Life[] {
    const isServed = (build: string): boolean => build === 'e' || builds.some((each) => mayHave(each, build));
    return this.#inOrder(
      ({ word, run, build }) => word === 'ready' && workflowOf(run) === workflow && !isServed(build),
    );
  }

  /** Those that wait and that a worker may have: first of higher priority. */
  waiting({ workflow, build, most, fresh }: Wanted, isSuspect: boolean): readonly Life[] {
    let begun = 0;
    return this.#inOrder(
      (life) =>
        life.word === 'ready' &&
        workflowOf(life.run) === workflow &&
        mayHave(build, life.build) &&
        this.#isSuspect(life) === isSuspect,
    )
      .filter(({ expires, build: of }) => expires === undefined || of !== '0' || begun++ < fresh)
      .slice(0, most);
  }

  /** Those that any worker ends. */
  ending(most: number): readonly Life[] {
    return this.#inOrder(({ word, build }) => word === 'ready' && build === 'e').slice(0, most);
  }

  /** How many runs of a workflow are owned, and how many have not begun. */
  count(workflow: string): { owned: number; unbegun: number } {
    const its = [...this.lives.values()].filter(({ run }) => workflowOf(run) === workflow);
    return {
      owned: its.filter(({ word }) => word === 'owned').length,
      unbegun: its.filter(({ expires }) => expires !== undefined).length,
    };
  }

  /** Wakes workers that may have runs of a workflow. */
  ringAll(workflow: string, most = 100): void {
    for (const sleeper of [...this.#sleepers].sort().slice(0, most)) {
      const [of = '', , session = ''] = sleeper.split(' ');
      if (of === workflow && this.#sleepers.delete(sleeper)) this.#ring(session);
    }
  }

  owns(session: string): boolean {
    return [...this.lives.values()].some((life) => life.word === 'owned' && life.session === session);
  }

  own(life: Life, session: string, token: number): void {
    Object.assign(life, { word: 'owned', expires: undefined, session, token, commits: 0 });
  }

  /** It is for a higher build than this, if there has been one; whether there has. */
  handUp(life: Life, build: string): boolean {
    const highest = this.#builds.get(workflowOf(life.run)) ?? 0;
    if (!(highest > Number(build))) return false;
    life.build = `${Number(build) + 1}`;
    this.makeReady(life, true);
    return true;
  }

  sleeps(session: string, { workflow, build }: Pick<Wanted, 'workflow' | 'build'>): void {
    this.#sleepers.add(`${workflow} ${build} ${session}`);
  }

  #isSuspect({ run, build }: Life): boolean {
    return build !== 'e' && (this.falls.get(run) ?? 0) >= SUSPECT;
  }

  #inOrder(which: (life: Life) => boolean): Life[] {
    return [...this.lives.values()]
      .filter(which)
      .sort((one, other) => other.priority - one.priority || one.since - other.since);
  }
}

export const workflowOf = (run: string): string => run.slice(0, run.indexOf('/'));

const lineOf = (run: string): string => run.slice(0, run.lastIndexOf('/'));

/** Whether a worker of a build may have a run of one. */
function mayHave(worker: string, run: string): boolean {
  if (run === 'e') return false;
  if (run.endsWith('=')) return worker === run;
  return Number.parseInt(run, 10) <= Number.parseInt(worker, 10);
}

/** Of the build that has committed to a run until now, and of one that does. */
export function higher(untilNow: string, build: string): string {
  if (!/^\d+$/.test(untilNow)) return untilNow;
  return build.endsWith('=') || Number(build) > Number(untilNow) ? build : untilNow;
}
