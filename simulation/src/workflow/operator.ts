/**
 * What a simulated process does besides starting runs and working on them: it publishes, approves, answers tasks, looks at runs,
 * sets schedules, follows the events, and keeps an archive.
 */
import type { ArchivedRun, Run, TaskQueue, Workflow, Workflows } from '@holdfast/workflow';
import { runNamed, runOf } from './names.js';
import type { WorkflowOracle } from './oracle.js';
import type { StartPlan, WorkflowStep } from './plan.js';
import { type Program, partsOf } from './program.js';
import type { Task } from './tasks.js';
import { approvalAnswer, resultOfTask } from './verdict.js';

/** What it needs of its process. */
export interface OperatorHost {
  readonly oracle: WorkflowOracle;
  readonly sleep: (duration: number) => Promise<void>;
  /** Until it is done; throws what is no outage. */
  readonly insist: <T>(what: () => Promise<T>) => Promise<T>;
  readonly judge: (error: unknown) => void;
}

/** The name of the reader of events, and of the schedule. */
const READER = 'all';
const SCHEDULE = 'often';
export const ARCHIVE_IS_FULL = 'the archive is full';
const QUEUE_IS_SLOW = 'the queue does not answer';
/** How often a follower of events begins anew after an error, in ms. */
const AGAIN = 100;

export class Operator {
  readonly #host: OperatorHost;
  #app: Workflows | undefined;
  #tree: Workflow<Program, unknown> | undefined;
  /** A queue whose tasks are done by the process that has added them, if it lives. */
  readonly queue: TaskQueue = {
    add: async (data: string, { id }) => {
      const isNew = this.#host.oracle.tasks.added(id, data);
      void this.#handle(id, data);
      // It is there, but whoever has added it is not told, and adds it again.
      if (isNew && /[13]$/.test(data)) throw new Error(QUEUE_IS_SLOW);
    },
  };

  constructor(host: OperatorHost) {
    this.#host = host;
  }

  /** Before anything else. */
  take(app: Workflows, tree: Workflow<Program, unknown>): void {
    this.#app = app;
    this.#tree = tree;
    app.on<Program, StartPlan>('plain', tree, { input: ({ program }) => program });
    app.on<Program, StartPlan>('keyed', tree, {
      input: ({ program }) => program,
      key: ({ key = '' }) => key,
    });
  }

  async publish(of: StartPlan, times: number): Promise<void> {
    const { id, key, program } = of;
    const event = { name: key === undefined ? 'plain' : 'keyed', id, data: { id, key, program } };
    for (let time = 0; time < times; time += 1) await this.#host.insist(() => this.#its.publish([event]));
    this.#host.oracle.acknowledged(runOf(of));
  }

  /** Answers everything that a run waits for people to approve. */
  async approveAll(run: Run, by: string): Promise<void> {
    for (const open of await run.approvals()) {
      const answer = approvalAnswer(open.id, by);
      if (await run.approve(open, answer, by)) this.#host.oracle.tasks.approved(open.id, answer);
    }
  }

  /** Answers tasks whose process has died, or whose answer the server has forgotten. */
  async answerTasks(tasks: readonly Task[]): Promise<void> {
    for (const { id, data } of tasks) await this.#reply(id, data);
  }

  async #handle(id: string, data: string): Promise<void> {
    await this.#host.sleep(1 + (data.length % 7) * 10);
    await this.#reply(id, data);
  }

  async #reply(id: string, data: string): Promise<void> {
    const { oracle, insist, judge } = this.#host;
    const reply = { status: 'done', value: resultOfTask(data) } as const;
    await insist(() => this.#its.replyToTask(id, reply)).then((isTaken) => {
      // A run that is over takes none; it may go on later.
      if (isTaken) oracle.tasks.replied(id);
    }, judge);
  }

  /** What the server answers is judged there. */
  async inspect(): Promise<void> {
    await this.#its.counts();
    await this.#its.demand();
    for await (const info of this.#its.list()) void info;
  }

  async many(what: 'cancel' | 'retry' | 'terminate' | 'purge', reason: string): Promise<void> {
    if (what === 'cancel') await this.#its.cancelMany({ reason });
    if (what === 'retry') await this.#its.retryMany();
    if (what === 'terminate') await this.#its.terminateMany({ reason });
    if (what === 'purge') await this.#its.purge();
  }

  async schedule(step: Extract<WorkflowStep, { f: 'schedule' }>): Promise<void> {
    const { every, program } = step;
    const tree = this.#tree as Workflow<Program, unknown>;
    await this.#host.insist(() => this.#its.schedule(SCHEDULE, tree, program, { every, missed: 'all' }));
    await this.#host.sleep(step.for);
    await this.unschedule();
  }

  /** Whoever has set the schedule may have been killed since. */
  async unschedule(): Promise<void> {
    await this.#host.insist(() => this.#its.unschedule(SCHEDULE)).catch(this.#host.judge);
  }

  /** A part of a journal, if it is no other by now. */
  async history(run: Run, name: string): Promise<void> {
    const records = await run.history();
    const [first] = records;
    const { oracle } = this.#host;
    const generation = first?.kind === 'header' ? first.generation : '';
    const journal = [...oracle.journals.all].find(
      (each) => each.run === name && each.generation === generation,
    );
    if (!oracle.remembers) return;
    const flaw = records.findIndex((record, index) => {
      const [, id = ''] = /^\w (\S+)\n/.exec(journal?.texts[index] ?? '') ?? [];
      return index > 0 && id !== ('id' in record ? record.id : '-');
    });
    if (journal === undefined || flaw >= 0)
      oracle.violate('history', `${name} is told with another record ${flaw} than it has`);
  }

  /** What a run has published is one of the names that its program has. */
  async state(run: Run, of: Program): Promise<void> {
    const state = await run.state<string>();
    const names = partsOf(of).flatMap((part) => (part.f === 'state' ? part.name : []));
    if (state !== undefined && !names.includes(state))
      this.#host.oracle.violate('state', `${run.id} has published ${state}, not one of ${names.join(', ')}`);
  }

  /** Until the process ends. */
  async follow(): Promise<void> {
    const { oracle, sleep } = this.#host;
    for (;;) {
      try {
        for await (const event of this.#its.events({ reader: READER })) {
          if (event.kind === 'gap') continue;
          const run = runNamed(event.workflow, event.run, event.key);
          oracle.tidings.given(event, run, oracle.forgotten <= 1);
        }
        return;
      } catch (error) {
        const code = (error as { code?: unknown }).code;
        if (code === 'HOLDFAST_ABORTED' || code === 'HOLDFAST_MISUSE') return;
        this.#host.judge(error);
        await sleep(AGAIN);
      }
    }
  }

  /** Fails with every third run at first. */
  readonly archive = async (run: ArchivedRun): Promise<void> => {
    const { archived } = this.#host.oracle;
    const isRepeated = archived.handedOver(run);
    await this.#host.sleep(30);
    if (!isRepeated && run.records.length % 3 === 0) throw new Error(ARCHIVE_IS_FULL);
    archived.kept(run);
  };

  get #its(): Workflows {
    return this.#app as Workflows;
  }
}
