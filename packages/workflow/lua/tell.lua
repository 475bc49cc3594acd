-- tell: append what comes from outside to the journals of runs: a message, or a cancel.
--
-- then, for each run: KEYS its journal of that generation; ARGV run, generation, record, '1' if it is the result of a task,
-- which is kept for a retry where the run is over
--
-- Replies {'told', for each 'told', 'over', 'unknown', or 'gen <generation>' if it is of another: repeat it with that}
--
-- Stands on: deliver, generations, late
local reply = {'told'}
local FIELDS = 4
local count = #ARGV / FIELDS
local first = #KEYS - count

local function tell(journal, run, generation, record, is_result)
  local known = generation_of(run)
  if not known then return 'unknown' end
  if known ~= generation then return 'gen ' .. known end
  local life = life_of(redis.call('HGET', LIVE, run))
  if not life then
    if is_result == '1' then keep_late(run, journal, record) end
    return 'over'
  end
  deliver(run, life, journal, record)
  return 'told'
end

for index = 0, count - 1 do
  reply[index + 2] = tell(KEYS[first + index + 1], unpack(ARGV, FIELDS * index + 1, FIELDS * (index + 1)))
end
return reply
