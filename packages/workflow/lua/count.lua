-- count: how many runs of workflows there are in each state.
--
-- then, for each workflow: ARGV its name
--
-- Replies {'counted', for each 'waiting delayed running sleeping stuck completed failed cancelled'}
--
-- Stands on: part
local reply = {'counted'}
for index, workflow in ipairs(ARGV) do
  local ready = redis.call('ZLEXCOUNT', WORK, '[r ' .. workflow .. ' ', '(r ' .. workflow .. '"')
  local fields = {'l', 'd', 'o', 'p', 's', 'completed', 'failed', 'cancelled'}
  for place, field in ipairs(fields) do fields[place] = workflow .. ':' .. field end
  local counts = redis.call('HMGET', TALLY, unpack(fields))
  for place = 1, #fields do counts[place] = string.format('%.0f', counts[place] or 0) end
  counts[1] = string.format('%.0f', counts[1] + ready)
  reply[index + 1] = table.concat(counts, ' ')
end
return reply
