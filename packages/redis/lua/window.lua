-- Prelude of the verbs that keep to rates: what has begun lately, so that no more begins within any time than a rate
-- allows.
--
-- BEGUN is a hash of logs, by the name of what has a rate. A log is "<time in ms> <how many> ...", the oldest first. Whatever
-- began within the same hundredth of the rate's time is one entry, with the time of the last: so a log is short, and an
-- entry counts at most a hundredth longer than it must.
--
-- Names keys: BEGUN
--
-- Stands on: time

-- The part of a log that still counts, the number of begins in it, and whether the clock was set back.
local function begun(field, per)
  local log, sum, stepped = {}, 0, false
  for at, count in string.gmatch(redis.call('HGET', BEGUN, field) or '', '(%d+) (%d+)') do
    at, count = tonumber(at), tonumber(count)
    -- A clock that was set back would count it for too long.
    if at > millis then at, stepped = millis, true end
    if millis - at <= per then
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

-- How many may begin, and from when on more may, in ms since the epoch.
local function allowance(field, most, per)
  local log, sum, stepped = begun(field, per)
  if stepped then keep_log(field, log) end
  return math.max(0, most - sum), (log[1] and log[1][1] or millis) + per + 1
end

local function note_begun(field, per, count)
  local log = begun(field, per)
  local last, width = log[#log], math.max(1, per / 100)
  if last and math.floor(last[1] / width) == math.floor(millis / width) then
    last[1], last[2] = millis, last[2] + count
  else
    log[#log + 1] = {millis, count}
  end
  keep_log(field, log)
end
