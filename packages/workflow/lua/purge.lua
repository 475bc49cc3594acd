-- purge: forget a run that is over, and erase all that is kept of it, also of its earlier generations.
--
-- ARGV[1] run  ARGV[2] its generation  ARGV[3] the token under which it was handed to an archive, or ''
-- then, for each run, of which there is one: KEYS its journal of that generation, and its state
--
-- Replies {'purged'}, {'going'} if it is not over, {'gen', generation} if it is of another: repeat it with that; {'stale'}
-- if it was handed over again since; or {'unknown'}
--
-- Stands on: archives, earlier, generations
local known = generation_of(ARGV[1])
if not known then return {'unknown'} end
if redis.call('HEXISTS', LIVE, ARGV[1]) == 1 then return {'going'} end
if known ~= ARGV[2] then return {'gen', known} end
if ARGV[3] ~= '' and not is_archived_under(ARGV[1], ARGV[3]) then return {'stale'} end
for each in string.gmatch(redis.call('HGET', EARLIER, ARGV[1]) or '', '%S+') do erase_journal(ARGV[1], each) end
erase_journal(ARGV[1], known)
redis.call('DEL', KEYS[#KEYS])
forget(ARGV[1])
return {'purged'}
