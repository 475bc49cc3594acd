/**
 * What happens besides the steps of the plan, restarts of workers, and what follows them: with the faults healed, all runs
 * end; then, when all is well, each goes on promptly; then everybody stops, and nothing is left.
 */
import type { Crew } from '../run/crew.js';
import type { Phases } from '../run/part.js';
import type { World } from '../world/world.js';
import { runOf } from './names.js';
import type { WorkflowOracle } from './oracle.js';
import type { StartPlan, WorkflowPlan, WorkflowStep } from './plan.js';
import type { WorkflowProcess } from './process.js';
import { NOTHING, type Program, partsOf } from './program.js';
import { judgeWorkflowRemains } from './remains.js';

/** Within this time after healing all runs have ended, in ms. */
const DRAINED = 300_000;
/** Within this time a run goes on that may, while workers have nothing to do, in ms: before they look unasked. */
const PROMPT = 400;
/** In ms; long enough for every connection to be there again. */
const CALM = 3_000;
/** The same where tokens of another server wait for their time. */
const CALM_AFTER_FAILOVERS = 12_000;
/** Between the starts of two of them, in ms, so that each has to wake a worker by itself. */
const STAGGER = 500;
/** Within this time a worker has stopped, in ms. */
const STOPPED = 2_000;
/** Within this time after their end runs are in the archive: they are kept for 10 min, and offered anew after 5 min. */
const ARCHIVED = 1_100_000;
/** Of the worker that hands them over, in ms: it has nothing else to do. */
const CALM_LEASE = 60_000;
/** How often somebody looks after runs that are stuck, in ms. */
const TENDING = 1_000;

/** For how long its second part sleeps, in ms. */
const NAP = 300;
const CALM_PROGRAM: Program = {
  f: 'turn',
  parts: [
    { f: 'step', name: 'first', body: NOTHING },
    { f: 'sleep', for: NAP },
    { f: 'step', name: 'rested', body: NOTHING },
    { f: 'receive' },
    { f: 'step', name: 'told', body: NOTHING },
    { f: 'child', of: { f: 'step', name: 'young', body: NOTHING } },
  ],
};

export class WorkflowPhases implements Phases {
  readonly #world: World<WorkflowPlan>;
  readonly #oracle: WorkflowOracle;
  readonly #crew: Crew<WorkflowStep, WorkflowProcess>;
  readonly #starts: readonly StartPlan[];
  #phase: 'planned' | 'draining' | 'calm' | 'stopping' | 'archiving' | 'done' = 'planned';

  constructor(world: World<WorkflowPlan>, oracle: WorkflowOracle, crew: Crew<WorkflowStep, WorkflowProcess>) {
    this.#world = world;
    this.#oracle = oracle;
    this.#crew = crew;
    this.#starts = world.plan.clients.flatMap(({ tasks }) =>
      tasks.flat().flatMap((step) => ('program' in step && 'id' in step ? step : [])),
    );
  }

  /** True time, in microseconds, by which every call has arrived that was under way when its connection broke. */
  get #lastArrival(): number {
    const { faults } = this.#world.plan;
    const late = faults.map((fault) => (fault.f === 'break' ? fault.at + (fault.lateness ?? 0) : 0));
    return Math.max(0, ...late) * 1_000;
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  get deadline(): number {
    const { healAt, workflow } = this.#world.plan;
    return (healAt + 3 * DRAINED + (workflow.archives ? ARCHIVED : 0)) * 1000;
  }

  get whatIsLeft(): string {
    return [this.#phase, ...this.#crew.busy, this.#remains].join(', ');
  }

  start(): void {
    const { plan, scheduler } = this.#world;
    for (const [place, { restarts }] of plan.clients.entries()) {
      for (const at of restarts) scheduler.at(at * 1000, () => this.#restartWorker(place));
    }
    this.#crew.do(0, 'initializes', (process) => process.initialize());
  }

  heal(): void {
    // Whoever has paused the workflow may have been killed since.
    this.#crew.do(0, 'resumes', async (process) => {
      await process.resume();
      await process.operator.unschedule();
    });
    this.#look();
  }

  #restartWorker(place: number): void {
    if (this.#crew.isHealed || !this.#crew.processes[place]?.isWorking) return;
    this.#crew.do(place, 'restarts', (process) => process.restartWorker());
  }

  /** Looks again and again whether the present phase is over. */
  #look(): void {
    const world = this.#world;
    if (this.#crew.isIdle && this.#phase === 'planned') {
      this.#phase = 'draining';
      this.#crew.do(0, 'sends', (process) => this.#sendAll(process));
      this.#tend();
    }
    const isAll = world.scheduler.now > this.#lastArrival;
    if (this.#phase === 'draining' && isAll && this.#crew.isIdle && this.#remains === '') {
      this.#phase = 'calm';
      world.note('CREW', 'all is drained');
      this.#becomeCalm();
      return;
    }
    if (world.scheduler.now > (world.plan.healAt + DRAINED) * 1000) {
      const what = `${this.whatIsLeft}: not all runs have ended long after all faults were healed`;
      this.#oracle.violate('stuck', what);
      this.#phase = 'done';
      return;
    }
    world.scheduler.after(50_000, () => this.#look());
  }

  /** Who is killed leaves a session, and its place among those that sleep. */
  #becomeCalm(): void {
    const { plan, scheduler } = this.#world;
    const last = plan.clients.length - 1;
    const calm = plan.failsOver ? CALM_AFTER_FAILOVERS : CALM;
    if (plan.dies) scheduler.after(CALM * 500, () => this.#crew.kill(last, 10));
    const lease = plan.dies ? Math.max(...plan.clients.map(({ worker }) => worker?.lease ?? 0)) : 0;
    scheduler.after((calm + lease) * 1000, () => this.#tryOut());
  }

  /** What runs may still wait for. */
  async #sendAll(process: WorkflowProcess): Promise<void> {
    for (const start of this.#starts) await process.sendAll(start);
  }

  /** Lets go on what is stuck, and answers what waits for an answer, as somebody has to do who runs an app. */
  #tend(): void {
    if (this.#phase !== 'draining') return;
    const { view, tasks } = this.#oracle;
    const [stuck, live] = [view.hash('stuck'), view.hash('live')];
    const runs = this.#starts.filter((start) => stuck.has(runOf(start)));
    // A start that came late may be of a run to which nothing could be sent.
    const going = this.#starts.filter((start) => live.has(runOf(start)));
    const asking = going.filter(({ program }) => partsOf(program).some(({ f }) => f === 'approve'));
    const unanswered = tasks.unanswered.filter(({ run }) => live.has(run));
    if (runs.length + going.length + unanswered.length > 0 && this.#crew.isIdle) {
      this.#crew.do(0, 'tends', async (process) => {
        for (const run of runs) await process.retry(run);
        for (const run of going) await process.sendAll(run);
        for (const run of asking) await process.approveAll(run);
        await process.operator.answerTasks(unanswered);
      });
    }
    this.#world.scheduler.after(TENDING * 1000, () => this.#tend());
  }

  /** What the server has that is still to end, and sessions of nobody. */
  get #remains(): string {
    const { view } = this.#oracle;
    const working = this.#crew.processes.filter(({ isWorking }) => isWorking).length;
    const paused = this.#crew.processes.filter(({ machine }) => machine.isPaused).length;
    const sessions = view.scores('sessions').size;
    return [
      ...[...view.hash('live')].map(([run, entry]) => `${run}, which is "${entry}"`),
      ...(sessions === working ? [] : [`${sessions} sessions for ${working} workers`]),
      ...this.#untold.map((run) => `${run}, of whose end nobody was told`),
      ...(paused === 0 ? [] : [`${paused} processes that are paused`]),
    ].join(', ');
  }

  /** Runs that are over, of which whoever follows the events does not know it. */
  get #untold(): readonly string[] {
    const follows = this.#world.plan.workflow.follows && this.#oracle.remembers;
    return follows ? this.#oracle.tidings.untold : [];
  }

  /** Everybody starts a run, which sleeps and is told something, while nothing else wakes a worker. */
  #tryOut(): void {
    const world = this.#world;
    this.#crew.processes.forEach((process, place) => {
      const start = { id: `calm ${process.machine.name}`.replaceAll(/[^\w]/g, '-'), key: undefined };
      this.#crew.do(place, start.id, async () => {
        await process.sleep(place * STAGGER);
        await this.#goOn(process, { ...start, program: CALM_PROGRAM });
      });
    });
    world.scheduler.after(3 * CALM * 1000, () => {
      if (this.#remains !== '' || !this.#crew.isIdle)
        this.#oracle.violate('prompt', `all is well, but ${this.whatIsLeft} has not ended`);
      this.#stop();
    });
  }

  async #goOn(process: WorkflowProcess, start: StartPlan): Promise<void> {
    await process.start(start);
    this.#expect(start, 'first', 0);
    this.#expect(start, 'rested', NAP);
    await process.sleep(NAP + CALM);
    await process.send(start, 0);
    this.#expect(start, 'told', 0);
  }

  #expect(start: StartPlan, step: string, after: number): void {
    const { scheduler } = this.#world;
    scheduler.after((after + PROMPT) * 1000, () => {
      if (!this.#oracle.began.has(`${runOf(start)} ${step}`))
        this.#oracle.violate('prompt', `"${step}" of ${start.id} could begin ${PROMPT} ms ago, and has not`);
    });
  }

  #stop(): void {
    const world = this.#world;
    const oracle = this.#oracle;
    this.#phase = 'stopping';
    oracle.judgeEnds();
    this.#crew.processes.forEach((process, place) => {
      if (process.isWorking) this.#crew.do(place, 'stops', () => process.stopWorker());
    });
    const { archives } = world.plan.workflow;
    const isArchived = archives && oracle.remembers && !world.plan.clocksJump;
    world.scheduler.after(STOPPED * 1000, () => (isArchived ? this.#archive() : this.#finish()));
  }

  /** Runs are kept until the archive has them, and no longer. */
  #archive(): void {
    const { scheduler } = this.#world;
    const oracle = this.#oracle;
    this.#phase = 'archiving';
    const runs = new Map(oracle.view.hash('over'));
    this.#crew.do(0, 'archives', async (process) => process.startCalmWorker(CALM_LEASE));
    scheduler.after(ARCHIVED * 1000, () => {
      this.#crew.do(0, 'stops', (process) => process.stopWorker());
    });
    scheduler.after((ARCHIVED + STOPPED) * 1000, () => {
      oracle.archived.judge(runs);
      for (const run of oracle.view.hash('gen').keys())
        oracle.violate('left behind', `${run}, which the archive has`);
      this.#finish();
    });
  }

  #finish(): void {
    const oracle = this.#oracle;
    if (!this.#crew.isIdle) oracle.violate('stuck', `${this.whatIsLeft} has not ended`);
    if (oracle.violations.length === 0) judgeWorkflowRemains(this.#world, oracle);
    this.#phase = 'done';
  }
}
