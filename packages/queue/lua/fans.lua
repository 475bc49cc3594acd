-- Prelude of the verbs that end tasks: fan-ins, each of which adds a follow-up when all its tasks have ended.
--
-- A fan-in has a number. FANS has those that have not added their follow-up yet, by its id, as "<number> <delay> <expires>"
-- and the record of the follow-up. MEMBERS has for a task that has not ended "<number> <place> <the follow-up's id>".
-- GATHERED has of each fan-in, for as long as anything is known of its follow-up,
--   of <the follow-up's id>   its number, and how many tasks it has
--   left <number>             how many have not ended, until its follow-up is added
--   <number> <place>          how that task has ended: r with its result, f or c with the reason why it has failed or was
--                             cancelled, x if it was removed, o if another with its id was there; and its id as JSON
-- LITTER has the numbers of those that are forgotten, by how many places are still to be deleted. META has `fans` while
-- there is any of that.
--
-- Stands on: enlist

-- Whether there are fan-ins. Verbs that do not know look.
local fanned = true

-- One of the tasks has ended so, if that is given. Adds the follow-up if all have.
local function count_down(number, fan, place, id, outcome)
  local left = tonumber(redis.call('HGET', GATHERED, 'left ' .. number) or -1)
  if left < 0 then return end -- it was cancelled or removed
  if outcome then
    left = left - 1
    outcome = string.sub(outcome, 1, 1) .. cjson.encode(id) .. '\n' .. string.sub(outcome, 2)
    redis.call('HSET', GATHERED, number .. ' ' .. place, outcome, 'left ' .. number, left)
  end
  if left > 0 then return end
  local delay, expires, record = string.match(redis.call('HGET', FANS, fan), '^%d+ (%d+) (%d*)\n(.*)$')
  redis.call('HDEL', GATHERED, 'left ' .. number)
  redis.call('HDEL', FANS, fan)
  enlist(fan, with_times(record, expires), delay)
end

-- A task has ended. It counts once: if it is tried again, it is not of the fan-in any more.
local function gather(id, outcome)
  local member = fanned and redis.call('HGET', MEMBERS, id)
  if not member then return end
  redis.call('HDEL', MEMBERS, id)
  local number, place, fan = string.match(member, '^(%d+) (%d+) (.*)$')
  count_down(number, fan, place, id, outcome)
end
