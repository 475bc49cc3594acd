/**
 * Who sees everything that happens to the runs of an app: at the server, where each answer is judged when it is given, and in
 * the bodies of steps, where somebody relies on an attempt.
 *
 * Guarantees: the rules are those that docs/GUARANTEES.md promises.
 */
import type { Step } from '@holdfast/workflow';
import { Calls } from '../run/calls.js';
import type { Judge, Violate, Violation } from '../run/part.js';
import type { Command } from '../world/connection.js';
import type { Machine } from '../world/machine.js';
import type { World } from '../world/world.js';
import { Archived } from './archive.js';
import { type Beginning, Bodies } from './bodies.js';
import { Builds } from './builds.js';
import { Effects } from './effects.js';
import { Guarded } from './guarded.js';
import { Inspections } from './inspections.js';
import { Journals } from './journals.js';
import { Lines } from './lines.js';
import { key } from './names.js';
import { Owners } from './owners.js';
import { Places } from './places.js';
import type { WorkflowPlan } from './plan.js';
import { Starts } from './starts.js';
import { Streams } from './streams.js';
import { Tasks } from './tasks.js';
import { Terms } from './terms.js';
import { Tidings } from './tidings.js';
import { type Answer, View } from './view.js';

/** Verbs that change nothing of runs. */
const READING = new Set(['find', 'read', 'page', 'list', 'count', 'demand', 'agree', 'declare', 'chunks']);

export class WorkflowOracle implements Judge {
  readonly violations: Violation[] = [];
  readonly view: View;
  readonly journals: Journals;
  readonly owners: Owners;
  readonly guarded: Guarded;
  readonly bodies: Bodies;
  readonly tasks: Tasks;
  readonly tidings: Tidings;
  readonly archived: Archived;
  /** How often the server has forgotten something. */
  forgotten = 0;
  /** True time at which each step of a run began first, in ms, by "<run> <step>". */
  readonly began = new Map<string, number>();
  readonly #world: World<WorkflowPlan>;
  readonly #calls = new Calls();
  readonly #lines: Lines;
  readonly #places: Places;
  readonly #terms: Terms;
  readonly #streams: Streams;
  readonly #effects: Effects;
  readonly #builds: Builds;
  readonly #starts: Starts;
  readonly #inspections: Inspections;
  /** Runs of which somebody was told that they are started. */
  readonly #acknowledged = new Set<string>();
  /** Whether the server has forgotten nothing so far. */
  #remembers = true;
  /** Whether it has forgotten since it was looked at last. */
  #isNew = false;

  constructor(world: World<WorkflowPlan>) {
    this.#world = world;
    const violate: Violate = (rule, message) => this.violate(rule, message);
    this.view = new View(world);
    const { clocksJump } = world.plan;
    this.#terms = new Terms(this.view, violate);
    this.#effects = new Effects(world, violate);
    this.tasks = new Tasks(new Set(world.plan.clients.map(({ build }) => build)).size === 1, violate);
    this.journals = new Journals(
      this.view,
      {
        clocksJump,
        hasExpired: (run) => clocksJump || this.#terms.hasExpired(run),
        onEffect: (run, step, token) => this.#effects.isDue(run, step, token),
        onValue: (value) => this.tasks.took(value),
      },
      violate,
    );
    this.tidings = new Tidings(this.journals, violate);
    this.archived = new Archived(this.journals, violate);
    this.#builds = new Builds(world.plan.workflow.pinned, violate);
    this.#starts = new Starts(this.view, violate);
    this.#inspections = new Inspections(this.view, violate);
    this.#streams = new Streams(this.view, key(''), violate);
    this.owners = new Owners(this.view, this.journals, violate);
    this.guarded = new Guarded(world, violate);
    this.bodies = new Bodies(this.journals, (run) => this.owners.claimOf(run), violate);
    this.#lines = new Lines(this.journals, violate);
    this.#places = new Places(this.view, violate);
  }

  violate(rule: string, message: string): void {
    this.#world.note('VIOLATION', `${rule}: ${message}`);
    this.violations.push({ rule, message });
  }

  /** The server is about to forget, or to come back without what it knew last: what it has then is what there is. */
  forgets(): void {
    this.forgotten += 1;
    this.#remembers = false;
    this.#isNew = true;
    this.#acknowledged.clear();
    this.tasks.forgets();
  }

  /** Whether the server has forgotten nothing so far. */
  get remembers(): boolean {
    return this.#remembers;
  }

  /** The server has carried out a command. */
  look(command: Command, reply: unknown): void {
    const call = this.#calls.read(command);
    if (call === undefined || !Array.isArray(reply)) return;
    if (!call.keys[0]?.startsWith(key(''))) {
      for (const each of call.keys) if (each.startsWith('data:')) this.guarded.look(each);
      return;
    }
    const answer = reply as Answer;
    if (this.#isNew) {
      this.#adopt();
      this.#terms.look(call, answer); // it may be a start
      return;
    }
    if (call.verb === 'find') {
      for (const [index, found] of answer.slice(1).entries())
        this.#judgeFound(call.args[3 * index] ?? '', found as readonly string[]);
    }
    if (READING.has(call.verb)) {
      this.#inspections.told(call, answer);
      return;
    }
    this.journals.look();
    if (call.verb === 'anew' && answer[0] === 'ready') this.journals.startedAnew(call.args);
    if (call.verb === 'serve' && call.args[1] === '1') this.archived.served(this.view.now);
    if (answer[0] === 'terminated') this.bodies.terminated(call.args[0] ?? '', call.args[1] ?? '');
    this.owners.look(call, answer);
    this.#lines.look(call, answer);
    // What was decided by a clock that has jumped since is not judged.
    if (!this.#world.plan.clocksJump) this.#terms.look(call, answer);
    this.#streams.look(call);
    this.#places.look();
    this.#effects.look();
    this.#builds.look(call, answer);
    // By a clock that has jumped back the time of a tick may be to come again.
    if (!this.#world.plan.clocksJump) this.#starts.look(call, answer);
    this.#inspections.judgeLimits();
    this.tidings.look(this.view.lastEvent, this.forgotten <= 1);
    if (call.verb === 'reader' && answer[0] === 'reader' && call.args[2] !== '' && this.#remembers)
      this.tidings.moved(call.args[2] ?? '');
    const [run = '', , token] = call.args;
    if (call.verb === 'purge' && answer[0] === 'purged' && token !== '') this.archived.isGone(run);
  }

  begins(step: Step, run: Beginning & { readonly name: string }): void {
    // A server that forgets, or whose clock jumps, gives runs to others too early: tokens are in order all the same.
    this.bodies.begins(step, run, () => this.#remembers && !this.#world.plan.clocksJump);
    const [, of = ''] = /^[^/]*\/(.*)$/.exec(step.resource) ?? [];
    const what = `${of} ${run.name}`;
    if (!this.began.has(what)) this.began.set(what, this.#world.scheduler.now / 1_000);
  }

  died(machine: Machine): void {
    this.bodies.died(machine);
  }

  /** Somebody was told that a run is started. */
  acknowledged(run: string): void {
    if (this.journals.of(run) === undefined && this.#remembers)
      this.violate('acknowledged start', `${run} was acknowledged but never started`);
    // The server may have forgotten it while the answer was on its way.
    const isKept = !this.#isNew && this.view.hash('gen').has(run);
    if (this.#remembers || isKept) this.#acknowledged.add(run);
  }

  /** Somebody was told that a run has a message. */
  sent(run: string, id: string): void {
    if (this.#remembers && !this.journals.hasMessage(run, id))
      this.violate('acknowledged message', `${id} was acknowledged, but is in no journal of ${run}`);
  }

  /** Somebody was told the result of a run. */
  told(run: string, value: unknown): void {
    const { outcome } = this.journals.of(run) ?? {};
    if (!this.#remembers) return; // it may have ended otherwise since
    const ended = outcome?.status === 'completed' ? JSON.stringify(outcome.value) : outcome?.status;
    if (JSON.stringify(value) !== ended)
      this.violate('answers', `${run} is said to have given ${JSON.stringify(value)}, but is: ${ended}`);
  }

  /** When all has ended: each run that was acknowledged is over, unless the server has forgotten it. */
  judgeEnds(): void {
    for (const run of this.#acknowledged) {
      const journal = this.journals.of(run);
      if (journal?.end === undefined)
        this.violate('lost run', `${run} was acknowledged, but ${journal ? 'is not over' : 'is not there'}`);
    }
  }

  #adopt(): void {
    this.#isNew = false;
    this.journals.adopt();
    this.owners.forgets();
    this.#lines.forgets();
    this.#places.forgets();
    this.#terms.forgets();
    this.#effects.adopt();
    this.#builds.forgets();
    this.#starts.forgets();
    this.#inspections.forgets();
    this.bodies.forgets();
    this.tidings.adopt(this.view.lastEvent);
  }

  #judgeFound(run: string, [word, , , detail]: readonly string[]): void {
    const journal = this.journals.of(run);
    if (word === 'over' && journal?.end !== detail)
      this.violate('answers', `${run} is said to have ended with ${detail}, but has with ${journal?.end}`);
    const isThere = word !== 'over' && word !== 'gen' && word !== 'unknown';
    if (isThere && journal?.end !== undefined)
      this.violate('answers', `${run} is said to be ${word}, but is over`);
    if (word === 'unknown' && journal && !this.#isForgotten(run))
      this.violate('answers', `${run} is said to be unknown`);
  }

  /** Whether its time to be kept is over. */
  #isForgotten(run: string): boolean {
    return !this.view.hash('gen').has(run);
  }
}
