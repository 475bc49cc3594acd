/** Mistakes in what nodes and guarded stores do: in the shipped Lua. */
import type { Canary } from './canary.js';

export const NODE_CANARIES: readonly Canary[] = [
  {
    name: 'no fence check',
    about: 'A node grants a token that is not above its fence.',
    changes: [
      {
        file: 'packages/lock/lua/acquire.lua',
        find: 'elseif mark and tonumber(mark) >= ballot then',
        replace: 'elseif false then',
      },
      {
        file: 'packages/lock/lua/contend.lua',
        find: "if mark and tonumber(mark) >= tonumber(token) then return stamped('stale:' .. mark) end",
        replace: '',
      },
    ],
  },
  {
    name: 'fence not written',
    about: 'A grant leaves no fence.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: "redis.call('SET', fence, token .. ' ' .. (mark or '0'), 'PX', RETENTION)",
        replace: '',
      },
    ],
  },
  {
    name: 'no quarantine',
    about: 'A node that may have forgotten votes at once.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: 'if micros < votes_from then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'deployment record not checked',
    about: 'A node does not notice that it is not the server that was admitted.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: 'if record[2] ~= SERVER then',
        replace: 'if not record[2] then',
      },
    ],
  },
  {
    name: 'no window',
    about: 'A node grants tokens however far they are from its clock.',
    changes: [
      {
        file: 'packages/lock/lua/acquire.lua',
        find: 'math.abs(ballot - micros) > WINDOW',
        replace: 'false',
      },
      {
        file: 'packages/lock/lua/contend.lua',
        find: 'math.abs(tonumber(token) - micros) > WINDOW',
        replace: 'false',
      },
    ],
  },
  {
    name: 'release without owner',
    about: 'A release deletes the lock whoever holds it.',
    changes: [
      {
        file: 'packages/lock/lua/release.lua',
        find: "if holder == value or (waited and holder == '0 ' .. owner) then",
        replace: 'if holder then',
      },
      {
        file: 'packages/lock/lua/release.lua',
        find: 'if nobody_waits and holders[i] == ARGV[i] then',
        replace: 'if nobody_waits and holders[i] then',
      },
    ],
  },
  {
    name: 'retired like a release',
    about: 'A lease that was retired can be adopted: the nodes vouch for its token still.',
    changes: [
      {
        file: 'packages/lock/lua/retire.lua',
        find: "redis.call('SET', fence, above, 'PX', RETENTION)",
        replace: '',
      },
    ],
  },
  {
    name: 'withdrawal without owner',
    about: 'Who withdraws a failed attempt deletes the lock of whoever holds it.',
    changes: [
      {
        file: 'packages/lock/lua/withdraw.lua',
        find: "if redis.call('GET', lock) == value then",
        replace: "if redis.call('GET', lock) then",
      },
    ],
  },
  {
    name: 'vouching without the memory rule',
    about: 'A node vouches for a token that is older than its memory.',
    changes: [
      {
        file: 'packages/lock/lua/memory.lua',
        find: 'return tonumber(token) > math.max(admitted, expired) + WINDOW',
        replace: 'return true',
      },
    ],
  },
  {
    name: 'vouching by an old fence',
    about: 'A node vouches by a fence that a restart has brought back from before what it forgot.',
    changes: [
      {
        file: 'packages/lock/lua/memory.lua',
        find: 'return tonumber(token) > math.max(admitted, expired) + WINDOW',
        replace: 'return mark or tonumber(token) > math.max(admitted, expired) + WINDOW',
      },
    ],
  },
  {
    name: 'vouching without the fence',
    about: 'A node vouches for a token below its fence.',
    changes: [
      {
        file: 'packages/lock/lua/extend.lua',
        find: 'elseif mark and tonumber(mark) > tonumber(token) then',
        replace: 'elseif false then',
      },
      {
        file: 'packages/lock/lua/rejoining.lua',
        find: 'if mark and tonumber(mark) > tonumber(token) then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'extend of another lease',
    about: 'An extend prolongs the lock whoever holds it.',
    changes: [
      { file: 'packages/lock/lua/extend.lua', find: 'if holder == value then', replace: 'if holder then' },
    ],
  },
  {
    name: 'extend that shortens',
    about: 'An extension with a shorter TTL takes away what its holder may still rely on.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: "redis.call('PEXPIRE', lock, math.max(redis.call('PTTL', lock), tonumber(ttl)))",
        replace: "redis.call('PEXPIRE', lock, ttl)",
      },
    ],
  },
  {
    name: 'extend that does not refresh retention',
    about: 'The fence of a lease in use expires.',
    changes: [
      {
        file: 'packages/lock/lua/extend.lua',
        find: "redis.call('SET', fence, token, 'PX', RETENTION)",
        replace: '',
      },
    ],
  },
  {
    name: 'dead waiter not passed over',
    about: 'The lock is reserved for somebody who does not listen, and waiters stand behind him.',
    changes: [
      {
        file: 'packages/lock/lua/queue.lua',
        find: "return type(listening) == 'number' and listening > 0",
        replace: 'return true',
      },
      {
        file: 'packages/lock/lua/queue.lua',
        find: 'if listening.err or listening[2] > 0 then return true end',
        replace: 'if true then return true end',
      },
      {
        file: 'packages/lock/lua/queue.lua',
        find: "local first = redis.call('ZPOPMIN', queue)[1]",
        replace: "local first = redis.call('ZRANGE', queue, 0, 0)[1]",
      },
    ],
  },
  {
    name: 'guard check apart from the write',
    about: 'The guard checks when it is sealed, and not when it writes.',
    changes: [
      {
        file: 'packages/fence/lua/write.lua',
        find: `local refused = refusal(guard_record, mark, claim)
if refused then return refused end`,
        replace: '',
      },
    ],
  },
  {
    name: 'guard that starts again from zero',
    about: 'A store that has lost its marks accepts any token.',
    changes: [
      {
        file: 'packages/redis/lua/marks.lua',
        find: 'if admitted > 0 and token <= admitted + ahead then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'issuers compared',
    about: 'The guard compares the tokens of two issuers as if they had one clock.',
    changes: [
      {
        file: 'packages/redis/lua/marks.lua',
        find: "if token and issuer ~= '' and issuer ~= claim[4] then",
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'transfer without looking',
    about: 'A resource is handed over whatever its mark has become meanwhile.',
    changes: [
      {
        file: 'packages/fence/lua/transfer.lua',
        find: "if kept ~= ARGV[5] and kept ~= ARGV[3] .. ' ' .. ARGV[4] then",
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'forged token accepted',
    about: 'The guard takes a token that nobody can have issued yet.',
    changes: [
      {
        file: 'packages/redis/lua/marks.lua',
        find: 'if token > micros + ahead then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'seal refused when full',
    about: 'A full store does not let a new holder shut the earlier one out.',
    changes: [{ file: 'packages/fence/lua/seal.lua', find: "redis.call('PERSIST', KEYS[2])", replace: '' }],
  },
  {
    name: 'writer beside readers',
    about: 'A shared lock is granted to a writer.',
    changes: [
      {
        file: 'packages/lock/lua/contend.lua',
        find: "if holder and holder ~= '0 ' .. owner then",
        replace: "if holder and holder ~= '0 ' .. owner and not string.match(holder, ' %*$') then",
      },
    ],
  },
  {
    name: 'first reader ends the group',
    about: 'The lock is free when one of several readers has finished.',
    changes: [{ file: 'packages/lock/lua/unshare.lua', find: 'over = not last', replace: 'over = true' }],
  },
];
