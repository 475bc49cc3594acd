-- proof: what this server has of a run, and in which epoch: whoever is told by replicas of that epoch, afterwards, knows that
-- they have it too.
--
-- ARGV[1] run  ARGV[2] its generation  ARGV[3] claim token of its owner, or ''  ARGV[4] session
-- then, for each run, of which there is one: KEYS its journal of that generation
--
-- Replies {'proof', the epoch, its generation or '', '1' if it is owned so or '', its last record if it is over or ''}
--
-- Stands on: generations, redis/epoch
local epoch = epoch_of(meta)
local generation, life = generation_of(ARGV[1]), life_of(redis.call('HGET', LIVE, ARGV[1]))
local owned = life and life.token == ARGV[3] and life.session == ARGV[4]
local over = not life and generation == ARGV[2]
local last = over and redis.call('LINDEX', KEYS[#KEYS], -1)
return {'proof', epoch, generation or '', owned and '1' or '', last or ''}
