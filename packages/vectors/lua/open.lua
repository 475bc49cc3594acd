-- open: which generations the index has. One that has none gets its first, which is live.
--
-- ARGV[1] name of a model  ARGV[2] its definition as JSON
--
-- Replies {epoch, number of the last change of the generations, the live generation}, then, of each: its number,
-- "<name> <definition>"
--
-- Stands on: meta
local live = redis.call('HGET', META, 'live')
if not live then
  live = text_of(next_seq())
  redis.call('HSET', META, 'seq', live, 'n', live, 'live', live, 'model:' .. live, ARGV[1] .. ' ' .. ARGV[2])
end
local reply, fields = {epoch, redis.call('HGET', META, 'n'), live}, redis.call('HGETALL', META)
for index = 1, #fields, 2 do
  local generation = string.match(fields[index], '^model:(%d+)$')
  if generation then reply[#reply + 1], reply[#reply + 2] = generation, fields[index + 1] end
end
return reply
