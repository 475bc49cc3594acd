-- tell: append what comes from outside to the journals of runs: a message, or a cancel.
--
-- then, for each run: KEYS its journal of that generation; ARGV run, generation, record
--
-- Replies {'told', for each 'told', 'over', 'unknown', or 'gen <generation>' if it is of another: repeat it with that}
--
-- Stands on: deliver, generations
local reply = {'told'}
local count = #ARGV / 3
local first = #KEYS - count

local function tell(journal, run, generation, record)
  local known = generation_of(run)
  if not known then return 'unknown' end
  if known ~= generation then return 'gen ' .. known end
  local life = life_of(redis.call('HGET', LIVE, run))
  if not life then return 'over' end
  deliver(run, life, journal, record)
  return 'told'
end

for index = 0, count - 1 do
  reply[index + 2] = tell(KEYS[first + index + 1], unpack(ARGV, 3 * index + 1, 3 * index + 3))
end
return reply
