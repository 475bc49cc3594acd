-- Prelude of the verb that claims: the tasks that have begun lately, so that no more begin within any time than a rate
-- allows.
--
-- A log is "<time in ms> <how many> ...", the oldest first. Tasks that began within the same hundredth of the rate's
-- time are one entry, with the time of the last: so a log is short, and an entry counts at most a hundredth longer than
-- it must.
--
-- Stands on: queue

-- The part that still counts of the log of the queue ('') or of a key, and the number of tasks in it.
local function begun(field, per)
  local log, sum, stepped = {}, 0, false
  for at, count in string.gmatch(redis.call('HGET', BEGUN, field) or '', '(%d+) (%d+)') do
    at, count = tonumber(at), tonumber(count)
    -- A clock that was set back would count it for too long.
    if at > now then at, stepped = now, true end
    if now - at <= per then
      log[#log + 1] = {at, count}
      sum = sum + count
    end
  end
  return log, sum, stepped
end

local function keep_log(field, log)
  local words = {}
  for _, entry in ipairs(log) do words[#words + 1] = string.format('%.0f %.0f', entry[1], entry[2]) end
  redis.call('HSET', BEGUN, field, table.concat(words, ' '))
end

-- How many tasks may begin, and from when on more may, in ms since the epoch.
local function allowance(field, most, per)
  local log, sum, stepped = begun(field, per)
  if stepped then keep_log(field, log) end
  return math.max(0, most - sum), (log[1] and log[1][1] or now) + per + 1
end

local function begin(field, per, count)
  local log = begun(field, per)
  local last, width = log[#log], math.max(1, per / 100)
  if last and math.floor(last[1] / width) == math.floor(now / width) then
    last[1], last[2] = now, last[2] + count
  else
    log[#log + 1] = {now, count}
  end
  keep_log(field, log)
  if field == '' then return end
  redis.call('ZADD', PACES, string.format('%.0f', now + per), field)
  for _, idle in ipairs(redis.call('ZRANGEBYSCORE', PACES, '-inf', string.format('(%.0f', now), 'LIMIT', 0, 10)) do
    redis.call('ZREM', PACES, idle)
    redis.call('HDEL', BEGUN, idle)
  end
end
