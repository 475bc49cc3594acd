-- find: what a run is, and if it goes on, whom to tell of its end.
--
-- ARGV[1] run  ARGV[2] the mailbox to which its end is told, or ''
-- then, for each run, of which there is one: KEYS its journal and its state
--
-- Replies {'over', what is published or '', last record}, {'stuck', the same, why}, {'ready' or 'parked' or 'owned', the
-- same, ''}, or {'unknown'}
--
-- Stands on: part
local journal, state = KEYS[#KEYS - 1], KEYS[#KEYS]
local entry = redis.call('HGET', LIVE, ARGV[1])
local published = redis.call('GET', state) or ''
if not entry then
  local last = redis.call('LINDEX', journal, -1)
  if not last then return {'unknown'} end
  return {'over', published, last}
end
if entry == 's' then return {'stuck', published, redis.call('HGET', STUCK, ARGV[1]) or ''} end
if ARGV[2] ~= '' then
  local waiters = redis.call('HGET', WAITERS, ARGV[1]) or ''
  if not string.find(' ' .. waiters .. ' ', ' ' .. ARGV[2] .. ' ', 1, true) then
    redis.call('HSET', WAITERS, ARGV[1], waiters == '' and ARGV[2] or waiters .. ' ' .. ARGV[2])
  end
end
if entry == 'r' then return {'ready', published, ''} end
if entry == 'p' then return {'parked', published, ''} end
return {'owned', published, ''}
