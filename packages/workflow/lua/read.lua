-- read: what the owner of a run has to know: the records from a place on, and how many of its commits were carried out.
--
-- ARGV[1] run  ARGV[2] claim token  ARGV[3] session  ARGV[4] the first record
-- then, for each run, of which there is one: KEYS its journal
--
-- Replies {'owned', commits, length, record, ...} with 2000 records at the most, {'over', last record} if the run is over,
-- or {'stale'} if it is not owned so
--
-- Stands on: part
local journal = KEYS[#KEYS]
local entry = redis.call('HGET', LIVE, ARGV[1])
if not entry then
  local last = redis.call('LINDEX', journal, -1)
  if last then return {'over', last} end
end
local token, commits, session = owner_of(entry)
if token ~= ARGV[2] or session ~= ARGV[3] then return {'stale'} end
local length = string.format('%.0f', redis.call('LLEN', journal))
return {'owned', commits, length, unpack(redis.call('LRANGE', journal, ARGV[4], ARGV[4] + 1999))}
