-- Prelude of the verbs that make runs ready, or stuck. Each run that is not over is in one place, which LIVE names; whoever
-- moves it takes it out there first.
--
-- TALLY counts, by workflow: o owned, p parked, d delayed, l in a line, s stuck, u not begun; and of all together, "!"
-- suspects that wait.
--
-- Stands on: events, part
local MOST_FALLS = 5
-- So often fallen, a run is given out alone, so that it takes no other with it.
local SUSPECT = 2
-- Runs that are given back stand before all that wait: so many microseconds.
local FIRST = 1000000000000000

local stamps = 0
-- The time, later than any that this call has taken.
local function stamp()
  stamps = stamps + 1
  return micros + stamps - 1
end

local function workflow_of(run)
  return string.match(run, '^[^/]+')
end

-- Runs of one line have the workflow and the key in common.
local function line_of(run)
  return string.match(run, '^[^/]+/[^/]+')
end

local function tally(run, what, by)
  redis.call('HINCRBY', TALLY, workflow_of(run) .. ':' .. what, by)
end

-- Builds stand in their order; those that only one build may go on with stand behind all others.
local function lane_of(build)
  local number, pinned = string.match(build, '^(%d+)(=?)$')
  return string.format('%s%010.0f', pinned == '' and '0' or '=', number)
end

local function is_suspect(run, life)
  return life.build ~= 'e' and tonumber(redis.call('HGET', FALLS, run) or 0) >= SUSPECT
end

local function waiting_entry(run, life, suspect)
  if life.build == 'e' then return 'e ' .. run end
  local mark = suspect and '!' or ''
  local lane = lane_of(life.build)
  return string.format('r %s%s %s %d %016.0f %s', workflow_of(run), mark, lane, 9 - life.priority, life.since, run)
end

-- Wakes one worker that sleeps and may have it. One that does not hear it is gone, and is passed over.
local function ring(workflow, build)
  local from, to = '-', '+'
  if build ~= 'e' then
    from = '[' .. workflow .. ' ' .. lane_of(build)
    to = '(' .. workflow .. (string.sub(build, -1) == '=' and ' ' .. lane_of(build) .. '!' or '!')
  end
  for _ = 1, 20 do
    local sleeper = redis.call('ZRANGEBYLEX', SLEEPERS, from, to, 'LIMIT', 0, 1)[1]
    if not sleeper then return end
    redis.call('ZREM', SLEEPERS, sleeper)
    if mail_to(string.match(sleeper, '%S+$'), 'b') > 0 then return end
  end
end

local function keep(run, word, life)
  local rest = string.format('%s:%s:%s:%.0f', life.priority, life.build, life.expires, life.since)
  redis.call('HSET', LIVE, run, word .. ':' .. rest)
end

-- Out of the place in which it is.
local function take_out(run, life)
  local word = life.word
  if word == 'r' then
    local suspect = is_suspect(run, life)
    if suspect then redis.call('HINCRBY', TALLY, '!', -1) end
    redis.call('ZREM', WORK, waiting_entry(run, life, suspect))
    return
  end
  if word == 'o' then redis.call('ZREM', WORK, 'o ' .. life.session .. ' ' .. run) end
  if word == 'l' then redis.call('ZREM', LINES, string.format('%s %016.0f %s', line_of(run), life.since, run)) end
  if word == 's' then redis.call('HDEL', STUCK, run) end
  if word == 'p' or word == 'd' or word == 'k' then redis.call('ZREM', DUE, run) end
  tally(run, word == 'k' and 'd' or word, -1)
end

-- It has begun, or never will.
local function begin(run, life)
  if life.expires == '-' then return end
  if life.expires ~= '0' then redis.call('ZREM', DUE, run) end
  life.expires = '-'
  tally(run, 'u', -1)
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

-- A run that has not begun is not to begin any more: any worker ends it, whether it has the workflow or not.
local function end_unbegun(run, life)
  take_out(run, life)
  begin(run, life)
  life.build = 'e'
  make_ready(run, life, false)
end

-- Tells all that wait for a run.
local function tell_waiters(run, text)
  for mailbox in string.gmatch(redis.call('HGET', WAITERS, run) or '', '%S+') do mail(mailbox, text) end
  redis.call('HDEL', WAITERS, run)
end

-- It goes no further until somebody mends it: that is no end, and its journal stays.
local function make_stuck(run, life, reason)
  life.since = stamp()
  keep(run, 's', life)
  tally(run, 's', 1)
  redis.call('HSET', STUCK, run, reason)
  happened(run, 'stuck', reason)
  tell_waiters(run, 's' .. run .. '\n' .. reason)
end

-- Takes from a session what it owns, 500 runs a call. True if that was all. `fell`: it did not give them back itself.
local function free(session, fell)
  local owned = redis.call('ZRANGEBYLEX', WORK, '[o ' .. session .. ' ', '(o ' .. session .. '!', 'LIMIT', 0, 500)
  for _, entry in ipairs(owned) do
    local run = string.sub(entry, #session + 4)
    local life = life_of(redis.call('HGET', LIVE, run))
    take_out(run, life)
    if fell and redis.call('HINCRBY', FALLS, run, 1) >= MOST_FALLS then
      make_stuck(run, life, 'its worker died or stalled ' .. MOST_FALLS .. ' times without a step in between')
    else
      make_ready(run, life, true)
    end
  end
  return #owned < 500
end
