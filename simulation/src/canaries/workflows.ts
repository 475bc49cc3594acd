/** Mistakes in the Lua of workflows. */
import type { Canary } from './canary.js';

const LUA = 'packages/workflow/lua';

export const WORKFLOW_CANARIES: readonly Canary[] = [
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
    name: 'a commit without its token',
    about: 'A commit is accepted that a worker has sent under an earlier claim.',
    changes: [
      {
        file: `${LUA}/owners.lua`,
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
        file: `${LUA}/owners.lua`,
        find: "if life.commits ~= commits then return 'behind 0' end",
        replace: '',
      },
    ],
  },
  {
    name: 'an advance without its owner',
    about: 'A commit that only appends is accepted whoever owns the run.',
    changes: [
      {
        file: `${LUA}/advance.lua`,
        find: 'string.sub(entry, 1, #owned) == owned and ',
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
    about:
      'What comes from outside while a run is owned is not told to its owner, and does not keep the run from being parked.',
    changes: [
      {
        file: `${LUA}/deliver.lua`,
        find: "if life.word == 'o' then mail_to(life.session, 'm' .. run) end",
        replace: '',
      },
      {
        file: `${LUA}/endings.lua`,
        find: 'if commit.length ~= known + commit.added then',
        replace: 'if false then',
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
        file: `${LUA}/owners.lua`,
        find: "if tonumber(token) < tonumber(epoch) then return 'epoch 0' end",
        replace: '',
      },
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
    name: 'the end of a child told to nobody',
    about: 'A child is over, and its parent waits for it for ever.',
    changes: [{ file: `${LUA}/over.lua`, find: '  tell_parent(run, parts.last)\n', replace: '' }],
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
    about: 'A run is terminated under a token that somebody has already.',
    changes: [
      {
        file: `${LUA}/terminate.lua`,
        find: 'next_token(issued, life.token or 0, false)',
        replace: 'tonumber(issued), 0',
      },
    ],
  },
  {
    name: 'a message lost in a retry',
    about: 'A run that goes over its way again has not all messages of the journal before.',
    changes: [
      {
        file: `${LUA}/copy.lua`,
        find: 'for index = at + 1 + left, #ARGV do',
        replace: 'for index = at + 2 + left, #ARGV do',
      },
    ],
  },
];
