-- find: what runs are, and if they go on, whom to tell of their ends.
--
-- then, for each run: KEYS its journal of the generation that is asked for, and its state; ARGV run, that generation or '',
-- the mailbox to which its end is told, or ''
--
-- Replies {'found', for each {'over', generation, what is published or '', last record}, {'stuck', generation, what is
-- published, why}, {'ready', 'line', 'delayed', 'parked' or 'owned', the same, '', or the build for which a ready one waits if
-- no worker has it and nobody is to be told of its end}, {'gen', generation} if it is over and of another: repeat it with that;
-- or {'unknown'}}
--
-- Stands on: generations, served, tables, tally
local WORDS = {r = 'ready', l = 'line', d = 'delayed', k = 'delayed', p = 'parked', o = 'owned'}

local function tell_end(run, mailbox)
  local waiters = redis.call('HGET', WAITERS, run)
  if waiters and string.find(' ' .. waiters .. ' ', ' ' .. mailbox .. ' ', 1, true) then return end
  redis.call('HSET', WAITERS, run, waiters and waiters .. ' ' .. mailbox or mailbox)
end

local function is_unserved(run, life)
  return life.word == 'r' and life.build ~= 'e' and not is_served(life.build, builds_of(workflow_of(run)))
end

local function find(run, asked, mailbox, journal, state)
  local generation = generation_of(run)
  if not generation then return {'unknown'} end
  local life = life_of(redis.call('HGET', LIVE, run))
  if not life then
    if generation ~= asked then return {'gen', generation} end
    local last = redis.call('LINDEX', journal, -1)
    if not last then return {'unknown'} end
    return {'over', generation, redis.call('GET', state) or '', last}
  end
  local published = redis.call('GET', state) or ''
  if life.word == 's' then return {'stuck', generation, published, redis.call('HGET', STUCK, run) or ''} end
  if mailbox ~= '' then tell_end(run, mailbox) end
  local found = {WORDS[life.word], generation, published, ''}
  if mailbox == '' and is_unserved(run, life) then found[4] = life.build end
  return found
end

local count = #ARGV / 3
local first, reply = #KEYS - 2 * count, {'found'}
for index = 0, count - 1 do
  local run, generation, mailbox = unpack(ARGV, 3 * index + 1, 3 * index + 3)
  reply[index + 2] = find(run, generation, mailbox, KEYS[first + 2 * index + 1], KEYS[first + 2 * index + 2])
end
keep_as_table(WAITERS)
return reply
