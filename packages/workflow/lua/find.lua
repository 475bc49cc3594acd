-- find: what a run is, and if it goes on, whom to tell of its end.
--
-- ARGV[1] run  ARGV[2] generation or ''  ARGV[3] the mailbox to which its end is told, or ''
-- then, for each run, of which there is one: KEYS its journal of that generation, and its state
--
-- Replies {'over', generation, what is published or '', last record}, {'stuck', generation, what is published, why},
-- {'ready', 'line', 'delayed', 'parked' or 'owned', the same, '', or the build for which a ready one waits if no worker has it
-- and nobody is to be told of its end}, {'gen', generation} if it is over and of another: repeat
-- it with that; or {'unknown'}
--
-- Stands on: places, served
local journal, state = KEYS[#KEYS - 1], KEYS[#KEYS]
local generation = generation_of(ARGV[1])
if not generation then return {'unknown'} end
local entry = redis.call('HGET', LIVE, ARGV[1])
local published = redis.call('GET', state) or ''
if not entry then
  if generation ~= ARGV[2] then return {'gen', generation} end
  local last = redis.call('LINDEX', journal, -1)
  if not last then return {'unknown'} end
  return {'over', generation, published, last}
end
local life = life_of(entry)
if life.word == 's' then return {'stuck', generation, published, redis.call('HGET', STUCK, ARGV[1]) or ''} end
if ARGV[3] ~= '' then
  local waiters = redis.call('HGET', WAITERS, ARGV[1]) or ''
  if not string.find(' ' .. waiters .. ' ', ' ' .. ARGV[3] .. ' ', 1, true) then
    redis.call('HSET', WAITERS, ARGV[1], waiters == '' and ARGV[3] or waiters .. ' ' .. ARGV[3])
  end
end
local WORDS = {r = 'ready', l = 'line', d = 'delayed', k = 'delayed', p = 'parked', o = 'owned'}
local reply = {WORDS[life.word], generation, published, ''}
if life.word == 'r' and ARGV[3] == '' and life.build ~= 'e' and not is_served(life.build, builds_of(workflow_of(ARGV[1]))) then
  reply[4] = life.build
end
return reply
