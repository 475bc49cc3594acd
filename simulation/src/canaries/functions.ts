/** Mistakes in what runs the functions of workflows: in the machine, and in its workers. */
import type { Canary } from './canary.js';

const SRC = 'packages/workflow/src';
const SHARED = 'packages/redis';

export const FUNCTION_CANARIES: readonly Canary[] = [
  {
    name: 'a bell before the answer is forgotten',
    about: 'A worker that is rung while it asks sleeps when it is answered that there was nothing.',
    changes: [
      {
        file: `${SRC}/worker/worker.ts`,
        find: 'worked.claims.length < want && bells === this.#bells',
        replace: 'worked.claims.length < want',
      },
    ],
  },
  {
    name: 'two records in one turn',
    about: 'What follows from the first of two records and what follows from the second run into each other.',
    changes: [
      {
        file: `${SRC}/machine/machine.ts`,
        find: 'this.#takeTurn(() => this.#apply(record));',
        replace: `const next = this.#queue[0];
      if (next && isOfCall(next) && this.#calls.get(next.id)) {
        this.#take();
        this.#takeTurn(() => { this.#apply(record); this.#apply(next); });
      } else this.#takeTurn(() => this.#apply(record));`,
      },
    ],
  },
  {
    name: 'events read beside a commit',
    about: 'What came in is read while a commit of the same run is under way.',
    changes: [
      {
        file: `${SRC}/worker/owned-run.ts`,
        find: '    this.#hasMail = true;\n    this.#pump();',
        replace: '    if (this.#machine.isIdle) this.#fetch(); else this.#hasMail = true;',
      },
    ],
  },
  {
    name: 'own records before those between',
    about: 'What a commit has brought is handed over before what came in before it.',
    changes: [
      {
        file: `${SRC}/worker/owned-run.ts`,
        find: 'if (length !== this.#known + records.length) {',
        replace: 'if (length < this.#known + records.length) {',
      },
    ],
  },
  {
    name: 'bodies during a replay',
    about: 'A body begins although its result lies further on in the journal.',
    changes: [
      {
        file: `${SRC}/machine/machine.ts`,
        find: '    else if (this.#grace) this.#next();',
        replace: '    else { this.#launch(); if (this.#grace) this.#next(); }',
      },
    ],
  },
  {
    name: 'a repeated message counts again',
    about: 'Messages are not told apart by their ids.',
    changes: [
      { file: `${SRC}/machine/inbox.ts`, find: 'if (this.#seen.has(id)) return undefined;', replace: '' },
    ],
  },
  {
    name: 'a lost claim is not given back',
    about: 'What a call has claimed whose answer was lost stays with a worker that does not know.',
    changes: [
      {
        file: `${SRC}/worker/worker.ts`,
        find: "if (session === this.#session.id) this.#startOver('it is not known what the last call has claimed');",
        replace: 'await pause(this.#clock, 20);\n      this.#isAsking = false;\n      this.wake();',
      },
    ],
  },
  {
    name: 'a lease from the answer',
    about: 'The lease of runs is counted from when the answer came, not from when the call was sent.',
    changes: [
      {
        file: `${SHARED}/src/session.ts`,
        find: 'validUntil(since, this.lease, ALLOWANCE)',
        replace: 'this.#clock.now() + this.lease',
      },
    ],
  },
  {
    name: 'a second attempt under the same token',
    about: 'An attempt has the token of the one before it, whose body may go on.',
    changes: [
      {
        file: `${SRC}/worker/attempts.ts`,
        find: "step.begunHere === 1 && step.seen === 0 && step.mode !== 'undo'",
        replace: "step.seen === 0 && step.mode !== 'undo'",
      },
    ],
  },
  {
    name: 'a commit repeated blindly',
    about: 'A commit without an answer is sent again as another, whatever became of it.',
    changes: [
      {
        file: `${SRC}/worker/unanswered.ts`,
        find: "return known.commits === request.commits + 1 ? { word: 'again', length: known.length } : undefined;",
        replace: 'Object.assign(request, { commits: known.commits });\n  return undefined;',
      },
    ],
  },
  {
    name: 'children of a cancelled run go on',
    about: 'A run ends while a child goes on that nobody waits for.',
    changes: [
      {
        file: `${SRC}/machine/calls.ts`,
        find: "if (each.kind === 'child') this.#fresh.push(each);",
        replace: '',
      },
    ],
  },
  {
    name: 'branches of a cancelled run passed over',
    about: 'A map in a run that was cancelled gives the results that there are, as if they were all.',
    changes: [
      {
        file: `${SRC}/machine/branches.ts`,
        find: 'if (scope.cancelled) throw scope.cancelled;',
        replace: 'if (scope.cancelled) return;',
      },
    ],
  },
  {
    name: 'the ledger forwards',
    about: 'What a run has done is undone from the first to the last.',
    changes: [{ file: `${SRC}/machine/ledger.ts`, find: 'this.#open.pop()', replace: 'this.#open.shift()' }],
  },
  {
    name: 'a body before its entry in the ledger',
    about: 'A step that can be undone begins before the journal knows that it may have to be.',
    changes: [
      {
        file: `${SRC}/machine/calls.ts`,
        find: 'if (step.settings.undo && !step.isEntered) {',
        replace: 'if (step.settings.undo && !step.isEntered && step.attempt > 1) {',
      },
    ],
  },
  {
    name: 'a retry that keeps what was undone',
    about: 'A run that is retried keeps steps whose effects are undone.',
    changes: [
      {
        file: `${SRC}/journal/cut.ts`,
        find: 'undone === undefined ? failed : Math.min(undone, failed ?? undone)',
        replace: 'failed ?? undone',
      },
    ],
  },
];
