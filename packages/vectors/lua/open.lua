-- open: which generations the index has. One that has none gets its first, which is live.
--
-- ARGV[1] name of a model  ARGV[2] its definition as JSON
--
-- Replies {epoch, number of the last change of the generations, the live generation, the one that is being built or '', those of
-- which vectors may be left, with spaces between}, then, of each: its number, "<name> <definition>", "<epoch> <sequence>" or ''
-- up to where all documents have vectors of it
--
-- Stands on: meta
local live = redis.call('HGET', META, 'live')
if not live then
  live = text_of(next_seq())
  redis.call('HSET', META, 'seq', live, 'n', live, 'live', live, 'model:' .. live, ARGV[1] .. ' ' .. ARGV[2])
end
local found = redis.call('HMGET', META, 'n', 'building', 'dropping')
local reply, fields = {epoch, found[1], live, found[2] or '', found[3] or ''}, redis.call('HGETALL', META)
local throughs = {}
for index = 1, #fields, 2 do
  local generation = string.match(fields[index], '^through:(%d+)$')
  if generation then throughs[generation] = fields[index + 1] end
end
for index = 1, #fields, 2 do
  local generation = string.match(fields[index], '^model:(%d+)$')
  if generation then
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = generation, fields[index + 1], throughs[generation] or ''
  end
end
return reply
