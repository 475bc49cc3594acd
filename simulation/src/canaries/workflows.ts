/** Mistakes in workflows: in their Lua, and in their workers. */
import type { Canary } from './canary.js';

const LUA = 'packages/workflow/lua';
const SRC = 'packages/workflow/src';
const SHARED = 'packages/redis';

export const WORKFLOW_CANARIES: readonly Canary[] = [
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
    name: 'who does not hear is rung',
    about: 'The bell for a run goes to a worker that is gone, and to no other.',
    changes: [
      {
        file: `${LUA}/ready.lua`,
        find: "if mail_to(string.match(sleeper, '%S+$'), 'b') > 0 then return end",
        replace: "mail_to(string.match(sleeper, '%S+$'), 'b') do return end",
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
    name: 'a commit without its token',
    about: 'A commit is accepted that a worker has sent under an earlier claim.',
    changes: [
      {
        file: `${LUA}/commit.lua`,
        find: 'life.token ~= token or life.session ~= session',
        replace: "life.word ~= 'o'",
      },
    ],
  },
  {
    name: 'a commit without its number',
    about: 'A commit that came late, or twice, is carried out again.',
    changes: [
      {
        file: `${LUA}/commit.lua`,
        find: "if life.commits ~= commits then return 'behind 0' end",
        replace: '',
      },
    ],
  },
  {
    name: 'parked whatever came in',
    about: 'A run is parked although its journal has what its function has not seen.',
    changes: [
      {
        file: `${LUA}/endings.lua`,
        find: 'if commit.length ~= known + commit.added then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'a parked run is not made ready',
    about: 'What comes from outside lies in the journal of a run that nobody wakes.',
    changes: [
      {
        file: `${LUA}/deliver.lua`,
        find: "if life.word == 'p' then",
        replace: "if life.word == 'p' and false then",
      },
    ],
  },
  {
    name: 'no mail for an owner',
    about: 'What comes from outside while a run is owned is not told to its owner.',
    changes: [
      {
        file: `${LUA}/deliver.lua`,
        find: "if life.word == 'o' then mail_to(life.session, 'm' .. run) end",
        replace: '',
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
    name: 'branches numbered together',
    about: 'Calls of branches that go on side by side take numbers from each other.',
    changes: [
      {
        file: `${SRC}/machine/branches.ts`,
        find: 'results[index] = await run(own, index);',
        replace: 'results[index] = await run(scope, index);',
      },
    ],
  },
  {
    name: 'a takeover keeps the token',
    about: 'Who takes over a run has the token of who had it.',
    changes: [
      {
        file: `${LUA}/work.lua`,
        find: 'local token, early = next_token(last, ARGV[5], false)',
        replace: 'local token, early = tonumber(last), 0',
      },
    ],
  },
  {
    name: 'a session that goes before its runs',
    about: 'A session ends before all that it owned is free.',
    changes: [
      { file: `${LUA}/stuck.lua`, find: "'LIMIT', 0, 500)", replace: "'LIMIT', 0, 1)" },
      { file: `${LUA}/stuck.lua`, find: 'if #owned == 500 then return false end', replace: '' },
    ],
  },
  {
    name: 'the epoch of a claim not compared',
    about: 'A server that has restarted accepts what was claimed before.',
    changes: [
      {
        file: `${LUA}/commit.lua`,
        find: "if tonumber(token) < tonumber(epoch) then return 'epoch 0' end",
        replace: '',
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
    name: 'a timer that nobody knows of',
    about: 'The time of a parked run is not kept.',
    changes: [
      {
        file: `${LUA}/ready.lua`,
        find: "if due ~= '0' then redis.call('ZADD', DUE, due, run) end",
        replace: '',
      },
    ],
  },
  {
    name: 'a cancel leaves a parked run',
    about: 'A cancel lies in the journal of a run that nobody wakes.',
    changes: [
      {
        file: `${LUA}/deliver.lua`,
        find: "if life.word == 'p' then",
        replace: "if life.word == 'p' and string.sub(record, 1, 1) ~= 'X' then",
      },
    ],
  },
  {
    name: 'a lost claim is not given back',
    about: 'What a call has claimed whose answer was lost stays with a worker that does not know.',
    changes: [
      {
        file: `${SRC}/worker/worker.ts`,
        find: "if (session === this.#session.id) this.#startOver('it is not known what the last call has claimed');",
        replace: 'this.#isAsking = false;',
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
    name: 'a key that is not passed on',
    about: 'The next run of a line is not made ready when the one before it ends.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: "redis.call('HSET', HOLDERS, line, other)\n  make_ready(other, life, false)",
        replace: "redis.call('HSET', HOLDERS, line, other)\n  make_parked(other, life, '0')",
      },
    ],
  },
  {
    name: 'a key that several have',
    about: 'A run begins although another one has its key.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: "return redis.call('HSETNX', HOLDERS, line, run) == 1 or redis.call('HGET', HOLDERS, line) == run",
        replace: "redis.call('HSETNX', HOLDERS, line, run)\n  do return true end",
      },
    ],
  },
  {
    name: 'the last of a line begins first',
    about: 'Of the runs that wait for a key, that begins which came last.',
    changes: [
      {
        file: `${LUA}/lines.lua`,
        find: "redis.call('ZRANGEBYLEX', LINES, '[' .. line .. ' ', '(' .. line .. '!', 'LIMIT', 0, 1)[1]",
        replace:
          "redis.call('ZRANGEBYLEX', LINES, '[' .. line .. ' ', '(' .. line .. '!')\n  next = next[#next]",
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
    name: 'the end of a child told to nobody',
    about: 'A child is over, and its parent waits for it for ever.',
    changes: [{ file: `${LUA}/over.lua`, find: '  tell_parent(run, parts.last)\n', replace: '' }],
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
    name: 'a pause that is not heeded',
    about: 'Runs of a workflow that is paused are given to workers.',
    changes: [{ file: `${LUA}/limits.lua`, find: 'if pace.held then most = 0 end', replace: '' }],
  },
  {
    name: 'a delay cut short',
    about: 'A run begins before its delay is over.',
    changes: [
      {
        file: `${LUA}/due.lua`,
        find: "for _, run in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', millis, 'LIMIT', 0, 500)) do",
        replace:
          "for _, run in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', millis + 50, 'LIMIT', 0, 500)) do",
      },
    ],
  },
  {
    name: 'expired runs begin',
    about: 'A run begins although the time by which it had to is over.',
    changes: [
      {
        file: `${LUA}/due.lua`,
        find: "life.expires ~= '0' and tonumber(life.expires) <= millis then",
        replace: "life.expires ~= '0' and false then",
      },
    ],
  },
  {
    name: 'priorities turned round',
    about: 'Runs of a lower priority are claimed first.',
    changes: [{ file: `${LUA}/places.lua`, find: '9 - life.priority', replace: 'life.priority' }],
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
  {
    name: 'chunks without the token',
    about: 'A worker that has lost a run still writes to its streams.',
    changes: [
      {
        file: `${LUA}/append.lua`,
        find: "if claim ~= token or owner ~= session then return 'stale 0' end",
        replace: '',
      },
    ],
  },
  {
    name: 'chunks without their number',
    about: 'What a call has appended whose answer was lost is appended again.',
    changes: [
      {
        file: `${LUA}/append.lua`,
        find: 'for number = known, index + chunks - 1 do',
        replace: 'for number = tonumber(index), index + chunks - 1 do',
      },
    ],
  },
  {
    name: 'a reader that is not told of another attempt',
    about: 'Chunks of an attempt are taken for those of the one before it.',
    changes: [
      {
        file: `${LUA}/append.lua`,
        find: "if latest and is_next then entries[1] = 'r ' .. attempt .. ' ' .. step end",
        replace: '',
      },
    ],
  },
  {
    name: 'terminated, but owned',
    about: 'A run is terminated under the token that its owner has.',
    changes: [
      {
        file: `${LUA}/terminate.lua`,
        find: 'next_token(issued, life.token or 0, false)',
        replace: 'tonumber(issued), 0',
      },
    ],
  },
  {
    name: 'a fork that shares its messages',
    about: 'A run that begins over the journal of another has none of its later messages.',
    changes: [
      {
        file: `${LUA}/copy.lua`,
        find: 'for index = at + 1 + left, #ARGV do',
        replace: 'for index = at + 2 + left, #ARGV do',
      },
    ],
  },
  {
    name: 'an answer that is not kept',
    about: 'A message that was answered is answered by nobody when it is asked again.',
    changes: [
      {
        file: `${SRC}/machine/machine.ts`,
        find: 'if (repeated && this.#isLive) this.#calls.children.effects.push(repeated);',
        replace: '',
      },
    ],
  },
];
