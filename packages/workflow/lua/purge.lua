-- purge: forget a run that is over.
--
-- ARGV[1] run  ARGV[2] its generation
-- then, for each run, of which there is one: KEYS its journal of that generation, and its state
--
-- Replies {'purged'}, {'going'} if it is not over, {'gen', generation} if it is of another: repeat it with that; or
-- {'unknown'}
--
-- Stands on: streams
local known = generation_of(ARGV[1])
if not known then return {'unknown'} end
if redis.call('HEXISTS', LIVE, ARGV[1]) == 1 then return {'going'} end
if known ~= ARGV[2] then return {'gen', known} end
expire_streams(ARGV[1], KEYS[#KEYS - 1], 0)
redis.call('DEL', KEYS[#KEYS - 1], KEYS[#KEYS])
forget(ARGV[1])
return {'purged'}
