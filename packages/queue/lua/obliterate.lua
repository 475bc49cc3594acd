-- obliterate: delete the queue with everything in it.
--
-- Keys: all
--
-- ARGV[1] '1' to do so even if workers work on its tasks, which they then lose
--
-- Replies {'obliterated'}, or {'active', number of tasks that somebody works on}
--
-- Stands on: streams, queue
local active = 0
for _, level in ipairs(levels_of('987654321')) do
  local pending = redis.pcall('XPENDING', stream_of(level), GROUP)
  active = active + (pending.err and 0 or pending[1])
end
active = active - (redis.call('HGET', META, 'returned') or 0)
if active > 0 and ARGV[1] ~= '1' then return {'active', active} end
redis.call('UNLINK', unpack(KEYS))
return {'obliterated'}
