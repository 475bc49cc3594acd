-- Prelude of the verbs that make runs ready, or park them.
--
-- Stands on: moves

-- Of whom nobody sleeps, as this call has seen.
local awake = {}

-- Wakes one worker that sleeps and may have it. One that does not hear it is gone, and is passed over.
local function ring(workflow, build)
  local whose = workflow .. ' ' .. build
  if awake[whose] then return end
  local from, to = '-', '+'
  if build ~= 'e' then
    from = '[' .. workflow .. ' ' .. lane_of(build)
    to = '(' .. workflow .. (string.sub(build, -1) == '=' and ' ' .. lane_of(build) .. '!' or '!')
  end
  for _ = 1, 20 do
    local sleeper = redis.call('ZRANGEBYLEX', SLEEPERS, from, to, 'LIMIT', 0, 1)[1]
    if not sleeper then
      awake[whose] = true
      return
    end
    redis.call('ZREM', SLEEPERS, sleeper)
    if mail_to(string.match(sleeper, '%S+$'), 'b') > 0 then return end
  end
end

-- `first`: before those that wait.
local function make_ready(run, life, first)
  local suspect = is_suspect(run, life)
  life.since = stamp() - (first and FIRST or 0)
  if suspect then redis.call('HINCRBY', TALLY, '!', 1) end
  keep(run, 'r', life)
  redis.call('ZADD', WORK, 0, waiting_entry(run, life, suspect))
  ring(workflow_of(run), life.build)
end

local function make_parked(run, life, due)
  life.since = stamp()
  keep(run, 'p', life)
  tally(run, 'p', 1)
  if due ~= '0' then redis.call('ZADD', DUE, due, run) end
end

-- A run that has begun goes on after so many ms, whatever comes in meanwhile.
local function make_delayed(run, life, delay)
  life.since = stamp()
  keep(run, 'd', life)
  tally(run, 'd', 1)
  redis.call('ZADD', DUE, millis + tonumber(delay), run)
end

-- A run that has not begun is not to begin any more: any worker ends it, whether it has the workflow or not.
local function end_unbegun(run, life)
  take_out(run, life)
  begin(run, life)
  life.build = 'e'
  make_ready(run, life, false)
end
