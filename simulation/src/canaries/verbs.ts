/** Mistakes in what workflows offer beyond steps and messages: effects, builds, limits, schedules, events, the archive. */
import type { Canary } from './canary.js';

const LUA = 'packages/workflow/lua';
const SRC = 'packages/workflow/src';

export const VERB_CANARIES: readonly Canary[] = [
  {
    name: 'effects of a commit that is refused',
    about: 'The command of a step is carried out although another worker owns the run by now.',
    changes: [
      {
        file: `${LUA}/commit.lua`,
        find: "\n  local refused = effects ~= '0' and write_effects(at + HEAD + records, tonumber(effects), EFFECT)\n",
        replace: '\n',
      },
      {
        file: `${LUA}/commit.lua`,
        find: '  local refusal = refusal_of(life, token, commits, session, epoch)',
        replace: `  local refused = effects ~= '0' and write_effects(at + HEAD + records, tonumber(effects), EFFECT)
  local refusal = refusal_of(life, token, commits, session, epoch)`,
      },
    ],
  },
  {
    name: 'effects that are left out',
    about: 'A step is done, but its command was not carried out.',
    changes: [
      {
        file: `${LUA}/commit.lua`,
        find: "local refused = effects ~= '0' and write_effects(at + HEAD + records, tonumber(effects), EFFECT)",
        replace: 'local refused = false',
      },
    ],
  },
  {
    name: 'a start that is not known again',
    about: 'A start with an id that a run has begins that run anew.',
    changes: [
      {
        file: `${LUA}/start.lua`,
        find: "if known then return known == generation and 'same' or 'exists ' .. known end",
        replace: '',
      },
    ],
  },
  {
    name: 'a tick before its runs',
    about: 'The next tick of a schedule is set although the run of the one before it may not be there.',
    changes: [
      {
        file: `${SRC}/worker/ticks.ts`,
        find: 'if (!(await start(name, text, time))) return;',
        replace: 'void start(name, text, time).catch(() => {});',
      },
    ],
  },
  {
    name: 'several answers to an approval',
    about: 'Two people are told that theirs is the answer.',
    changes: [
      {
        file: `${SRC}/client/approving.ts`,
        find: "if (word !== 'told' || !(await isFirst(store, ref, { id: answer.id, text }))) return false;",
        replace: "if (word !== 'told') return false;",
      },
    ],
  },
  {
    name: 'once more',
    about: 'A body that is to begin once at the most begins again where its worker was lost.',
    changes: [
      {
        file: `${SRC}/machine/calls.ts`,
        find: "if (step.mode !== 'once' || step.started === 'here') return undefined;",
        replace: "if (step.mode !== 'once' || step.started !== undefined) return undefined;",
      },
    ],
  },
  {
    name: 'a checkpoint that is forgotten',
    about: 'An attempt is not told what the one before it has kept.',
    changes: [
      {
        file: `${SRC}/worker/attempts.ts`,
        find: 'checkpointed: step.checkpointed,',
        replace: 'checkpointed: undefined,',
      },
    ],
  },
  {
    name: 'results kept under no key',
    about: 'A step is given what another has given for another key.',
    changes: [
      {
        file: `${SRC}/worker/cache.ts`,
        find: 'JSON.stringify([workflow, name, key])',
        replace: 'JSON.stringify([workflow, name])',
      },
    ],
  },
  {
    name: 'concurrency of workflows not counted',
    about: 'Workers have more runs of a workflow at a time than its limits allow.',
    changes: [
      {
        file: `${LUA}/limits.lua`,
        find: "pace.concurrency - tally_of(workflow, 'o')",
        replace: 'pace.concurrency',
      },
    ],
  },
  {
    name: 'more wait than may',
    about: 'A start is accepted where the limits let no more runs wait.',
    changes: [
      { file: `${LUA}/start.lua`, find: 'local wait = is_full(workflow)', replace: 'local wait = nil' },
    ],
  },
  {
    name: 'owned at once beyond the limits',
    about: 'A run that is owned from its start begins although the limits do not let it.',
    changes: [{ file: `${LUA}/own.lua`, find: 'if allowed == 0 then return nil end', replace: '' }],
  },
  {
    name: 'a run for a session that is over',
    about: 'A start that came late gives a run to a worker that is gone.',
    changes: [
      {
        file: `${LUA}/own.lua`,
        find: 'if not ends or tonumber(ends) <= millis then return nil end',
        replace: '',
      },
    ],
  },
  {
    name: 'an end that no event tells',
    about: 'Whoever follows the events does not hear that a run is over.',
    changes: [{ file: `${LUA}/over.lua`, find: "happened(run, 'ended', parts.status)", replace: '' }],
  },
  {
    name: 'a reader beyond what it was given',
    about: 'The place of a reader is kept before it was given the events up to there.',
    changes: [
      {
        file: `${SRC}/client/partition-events.ts`,
        find: 'for (const entry of entries) {',
        replace: `const last = entries.at(-1);
      if (last) await untilAnswered(clock, signal, () => reader.passed(store, last[0]));
      for (const entry of entries) {`,
      },
    ],
  },
  {
    name: 'events before those of the server before',
    about: 'Events of a server that has forgotten stand before what a reader has been given.',
    changes: [{ file: `${LUA}/events.lua`, find: 'if millis <= first_event then', replace: 'if false then' }],
  },
  {
    name: 'a build that does not count',
    about: 'What a build has committed to goes on with a lower one.',
    changes: [
      {
        file: `${LUA}/owners.lua`,
        find: "if string.sub(build, -1) == '=' or tonumber(build) > tonumber(until_now) then return build end",
        replace: '',
      },
    ],
  },
  {
    name: 'runs of a higher build',
    about: 'A worker is given runs that its functions cannot replay.',
    changes: [
      {
        file: `${LUA}/waiting.lua`,
        find: "read(from, '(' .. start .. lane_of(number) .. '!', most)",
        replace: "read(from, '(' .. start .. '1', most)",
      },
    ],
  },
  {
    name: 'pinned to nothing',
    about: 'A run whose build is pinned goes on with another.',
    changes: [{ file: `${SRC}/define.ts`, find: "pinned ? '=' : ''", replace: "''" }],
  },
  {
    name: 'a patch that is not noted',
    about: 'A replay goes without a change that the run has taken.',
    changes: [
      {
        file: `${SRC}/machine/notes.ts`,
        find: "if (isNew) this.#make({ kind: 'patch', name }, make);",
        replace: '',
      },
    ],
  },
  {
    name: 'told to an earlier journal',
    about: 'A message lies in a journal that its run does not go by any more.',
    changes: [
      {
        file: `${LUA}/tell.lua`,
        find: "if known ~= generation then return 'gen ' .. known end",
        replace: '',
      },
    ],
  },
  {
    name: 'messages left behind',
    about: 'A run that goes on over an empty journal has lost the messages that it had not taken.',
    changes: [
      {
        file: `${SRC}/machine/continuation.ts`,
        find: 'return { cut: 0, take: late.sort((one, other) => one - other), header };',
        replace: 'return { cut: 0, take: [], header };',
      },
    ],
  },
  {
    name: 'a child that nobody adopts',
    about: 'The end of a child is told to a journal that its parent does not go by any more.',
    changes: [
      {
        file: `${LUA}/children.lua`,
        find: "    redis.call('HSET', PARENTS, child, parent)\n  else",
        replace: '  else',
      },
    ],
  },
  {
    name: "a fork that waits for another's task",
    about: 'A fork waits for the result of a task that goes to the run that it is a fork of.',
    changes: [
      {
        file: `${SRC}/journal/cut.ts`,
        find: 'isFork ? orphansIn(records) : new Set<string>()',
        replace: 'new Set<string>()',
      },
    ],
  },
  {
    name: 'a task for each attempt',
    about: 'A step that is tried again adds another task.',
    changes: [
      {
        file: `${SRC}/machine/asking.ts`,
        find: 'async ({ idempotencyKey }) => {\n    const task = requireTaskId(idempotencyKey);',
        replace:
          'async ({ idempotencyKey, token }) => {\n    const task = requireTaskId(idempotencyKey + token);',
      },
    ],
  },
  {
    name: 'a compensation that is forgotten',
    about: 'What a function has added by hand is not called when its run fails.',
    changes: [
      {
        file: `${SRC}/machine/machine.ts`,
        find: 'this.#ledger.add({ ...entry, place: this.#place, done: { value: undefined } });',
        replace: '',
      },
    ],
  },
  {
    name: 'an undo under the token of its step',
    about: 'What a frozen body writes later lands behind what has undone it.',
    changes: [{ file: `${SRC}/worker/attempts.ts`, find: " && step.mode !== 'undo'", replace: '' }],
  },
  {
    name: 'undone while bodies go on',
    about: 'What was done is undone before bodies that were aborted have ended.',
    changes: [
      {
        file: `${SRC}/worker/attempts.ts`,
        find: 'if (this.#bodies === 0) return undefined;',
        replace: 'if (this.#bodies >= 0) return undefined;',
      },
    ],
  },
  {
    name: 'a stale guard counts as an attempt',
    about: 'A guard that has forgotten makes a step fail whose body does not.',
    changes: [
      {
        file: `${SRC}/machine/calls.ts`,
        find: "if (error instanceof StaleTokenError && error.reason !== 'ahead') {",
        replace: 'if (error instanceof StaleTokenError && Date.now() < 0) {',
      },
    ],
  },
  {
    name: 'a suspect among others',
    about: 'A run that has brought down its workers is given to one that has other runs.',
    changes: [{ file: `${LUA}/suspects.lua`, find: 'if #owned == 0 then', replace: 'if true then' }],
  },
  {
    name: 'the epoch of chunks not compared',
    about: 'A server that has restarted accepts chunks under a claim of before.',
    changes: [
      {
        file: `${LUA}/append.lua`,
        find: "if tonumber(token) < tonumber(epoch) then return 'epoch 0' end",
        replace: '',
      },
    ],
  },
  {
    name: 'chunks of an earlier attempt',
    about: 'An attempt whose time was up writes behind the one that has followed it.',
    changes: [
      {
        file: `${LUA}/append.lua`,
        find: "if latest and tonumber(attempt) < tonumber(latest) then return 'stale 0' end",
        replace: '',
      },
    ],
  },
  {
    name: 'owned runs not counted',
    about: 'The number of runs that are owned is not raised.',
    changes: [
      {
        file: `${LUA}/claim.lua`,
        find: "redis.call('HINCRBY', TALLY, workflow .. ':o', count)",
        replace: 'local _ = count',
      },
    ],
  },
  {
    name: 'a retry that takes no key',
    about: 'A run that goes over its way again goes on while another has its key.',
    changes: [
      {
        file: `${LUA}/again.lua`,
        find: "if takes_key(run, not string.find(run, '/~[^/]*$')) then",
        replace: 'if true then',
      },
    ],
  },
  {
    name: 'a purge of what goes on',
    about: 'A run that is not over is erased.',
    changes: [
      {
        file: `${LUA}/purge.lua`,
        find: "if redis.call('HEXISTS', LIVE, ARGV[1]) == 1 then return {'going'} end",
        replace: '',
      },
    ],
  },
  {
    name: 'counted without those that wait',
    about: 'Operators are told of fewer runs than there are.',
    changes: [
      { file: `${LUA}/count.lua`, find: "'%.0f', counts[1] + ready)", replace: "'%.0f', counts[1])" },
    ],
  },
  {
    name: 'gone before the archive has it',
    about: 'A run is erased while its archive is still at work.',
    changes: [{ file: `${SRC}/worker/archiver.ts`, find: 'await archive({', replace: 'void archive({' }],
  },
  {
    name: 'runs that no archive is given',
    about: 'A run goes when its time is over, and its archive is not asked.',
    changes: [
      {
        file: `${LUA}/over.lua`,
        find: 'if not archives or tonumber(archives) <= millis then return retain end',
        replace: 'do return retain end',
      },
    ],
  },
];
