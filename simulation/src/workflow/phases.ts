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
import type { BodyPlan, Program } from './program.js';
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
/** How often somebody looks after runs that are stuck, in ms. */
const TENDING = 1_000;

const EASY: BodyPlan = { takes: 0, fails: 0, fatal: false, heedless: false, guarded: false };
/** For how long its second part sleeps, in ms. */
const NAP = 300;
const CALM_PROGRAM: Program = {
  f: 'turn',
  parts: [
    { f: 'step', name: 'first', body: EASY },
    { f: 'sleep', for: NAP },
    { f: 'step', name: 'rested', body: EASY },
    { f: 'receive' },
    { f: 'step', name: 'told', body: EASY },
    { f: 'child', of: { f: 'step', name: 'young', body: EASY } },
  ],
};

export class WorkflowPhases implements Phases {
  readonly #world: World<WorkflowPlan>;
  readonly #oracle: WorkflowOracle;
  readonly #crew: Crew<WorkflowStep, WorkflowProcess>;
  readonly #starts: readonly StartPlan[];
  #phase: 'planned' | 'draining' | 'calm' | 'stopping' | 'done' = 'planned';

  constructor(world: World<WorkflowPlan>, oracle: WorkflowOracle, crew: Crew<WorkflowStep, WorkflowProcess>) {
    this.#world = world;
    this.#oracle = oracle;
    this.#crew = crew;
    this.#starts = world.plan.clients.flatMap(({ tasks }) =>
      tasks.flat().flatMap((step) => (step.f === 'start' || step.f === 'fork' ? step : [])),
    );
  }

  get isDone(): boolean {
    return this.#phase === 'done';
  }

  get deadline(): number {
    return (this.#world.plan.healAt + 3 * DRAINED) * 1000;
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
    this.#crew.do(0, 'resumes', (process) => process.resume());
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
    if (this.#phase === 'draining' && this.#crew.isIdle && this.#remains === '') {
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

  /** Lets go on what is stuck, as somebody has to do who runs an app. */
  #tend(): void {
    if (this.#phase !== 'draining') return;
    const stuck = this.#oracle.view.hash('stuck');
    const runs = this.#starts.filter((start) => stuck.has(runOf(start)));
    if (runs.length > 0 && this.#crew.isIdle) {
      this.#crew.do(0, 'retries', async (process) => {
        for (const run of runs) await process.retry(run);
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
      ...(paused === 0 ? [] : [`${paused} processes that are paused`]),
    ].join(', ');
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
    world.scheduler.after(2_000_000, () => {
      if (!this.#crew.isIdle) oracle.violate('stuck', `${this.whatIsLeft} has not ended`);
      if (oracle.violations.length === 0) judgeWorkflowRemains(world, oracle);
      this.#phase = 'done';
    });
  }
}
