-- demand: how much there is to do.
--
-- then, for each workflow: ARGV its name
--
-- Replies {'demand', for each 'waiting owned stuck age takeovers unserved paused': how many runs wait and are owned and stuck, for how
-- many ms the oldest of those that wait has, how often a run was taken over from a worker that was gone, so far, how many wait
-- for a build that no worker has, and whether it is paused, 1 or 0}
--
-- Stands on: places, served
local reply = {'demand'}

-- Runs that wait stand by build and priority, and of these by time.
local function oldest(workflow)
  local from, found = '[r ' .. workflow .. ' ', nil
  for _ = 1, 100 do
    local entry = redis.call('ZRANGEBYLEX', WORK, from, '(r ' .. workflow .. '"', 'LIMIT', 0, 1)[1]
    if not entry then break end
    local rank, since = string.match(entry, '^(r %S+ %S+ %d) (%d+) ')
    -- What was given back stands in front.
    local at = tonumber(since) < FIRST and since + FIRST or tonumber(since)
    found = math.min(found or at, at)
    from = '(' .. rank .. '!'
  end
  return found and math.max(0, math.floor((micros - found) / 1000)) or 0
end

for index, workflow in ipairs(ARGV) do
  local waiting = redis.call('ZLEXCOUNT', WORK, '[r ' .. workflow .. ' ', '(r ' .. workflow .. '"')
  local tallied = redis.call('HMGET', TALLY, workflow .. ':o', workflow .. ':s', workflow .. ':t')
  local owned, stuck, taken = tallied[1] or 0, tallied[2] or 0, tallied[3] or 0
  local none = unserved(workflow, '[r ' .. workflow .. ' ')
  local paused = redis.call('HEXISTS', LIMITS, workflow .. ':held')
  local numbers = {waiting, owned, stuck, oldest(workflow), taken, none, paused}
  for place = 1, #numbers do numbers[place] = string.format('%.0f', numbers[place]) end
  reply[index + 1] = table.concat(numbers, ' ')
end
return reply
