-- Prelude of the verbs that look for runs by their names: which of the journals of a run counts.
--
-- Stands on: part, redis/time

-- Nothing is known of a run any more.
local function forget(run)
  local status = string.match(redis.call('HGET', OVER, run) or '', '^%d+ (%a+)')
  if status then redis.call('HINCRBY', TALLY, string.match(run, '^[^/]+') .. ':' .. status, -1) end
  for _, hash in ipairs({OVER, GEN, EARLIER, PARENTS}) do redis.call('HDEL', hash, run) end
  for _, set in ipairs({ENDED, ARCHIVES}) do redis.call('ZREM', set, run) end
end

-- Which of its journals counts. False if there is no such run, or if it is over and its time to be kept too.
local function generation_of(run)
  local generation = redis.call('HGET', GEN, run)
  if not generation then return false end
  local kept = redis.call('ZSCORE', ENDED, run)
  if not kept or tonumber(kept) > millis then return generation end
  forget(run)
  return false
end
