-- anew: begin another generation of a run, or another run, over a part of a journal. The old journal is not changed, and is
-- kept for as long as a run that is over; of a run, 100 of them at the most.
--
-- ARGV[1] run  ARGV[2] its generation  ARGV[3] the run that begins  ARGV[4] its generation  ARGV[5] its header
-- ARGV[6] how many records behind the header it has of the old journal  ARGV[7] the length of that, as it is known
-- ARGV[8] for how many ms the old one is kept  ARGV[9] claim token of its owner, or ''  ARGV[10] commits  ARGV[11] session
-- ARGV[12] the version of the limits of its workflow that the client has declared or 0
-- ARGV[13] and what follows: the places of records that it has not, and of later ones that it has (copy.lua)
-- then, for each run, of which there is one: KEYS the old journal, the new one, and the state of the run that begins
--
-- Replies {'ready'}, also if this call did it before; {'exists', generation} if the other run is there; {'going'} if the run
-- is not over and not stuck, for one who does not own it; {'stale'} if it is not owned so, or its claim is of an earlier
-- epoch; {'behind'} if another commit came before; {'gen', generation} if it is of another; {'again', length} if it is
-- longer; {'full', in how many ms to try again, how many may wait} or {'undeclared'} for another run, as start; or {'unknown'}
--
-- Stands on: again, copy, late, limits, redis/epoch
local from, old, to, new, header = unpack(ARGV, 1, 5)
local cut, length, retain, token, commits, session, version = unpack(ARGV, 6, 12)
local source, journal, state = unpack(KEYS, #KEYS - 2)
local epoch = epoch_of(meta)

local there = generation_of(to)
if there == new then return {'ready'} end
if from ~= to and there then return {'exists', there} end
local known = generation_of(from)
if not known then return {'unknown'} end
if known ~= old then return {'gen', known} end
local life = life_of(redis.call('HGET', LIVE, from))
if token ~= '' then
  if not life or life.token ~= token or life.session ~= session or tonumber(token) < tonumber(epoch) then return {'stale'} end
  if life.commits ~= commits then return {'behind'} end
elseif from == to and life and life.word ~= 's' then
  return {'going'}
end
local now = redis.call('LLEN', source)
if now == 0 then return {'unknown'} end
if from == to and now ~= tonumber(length) then return {'again', string.format('%.0f', now)} end
if from ~= to and tonumber(version) > pace_of(workflow_of(to)).version then return {'undeclared'} end
local wait = from ~= to and is_full(workflow_of(to))
if wait then return {'full', string.format('%.0f', wait), string.format('%.0f', pace_of(workflow_of(to)).waiting)} end

copy_journal(source, journal, header, cut, 13)
if from == to then take_late(source, journal) end
if cut ~= '0' then copy_streams(source, journal) end
redis.call('HDEL', FALLS, to)
if from == to then
  redis.call('PERSIST', state)
  replace(to, old, life, retain)
else
  redis.call('DEL', state)
  redis.call('HDEL', WAITERS, to)
  tally(to, 'u', 1)
  begin_again(to, terms_of(from, life), '0')
end
redis.call('HSET', GEN, to, new)
return {'ready'}
