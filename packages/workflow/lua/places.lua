-- Prelude of the verbs that move runs. Each run that is not over is in one place, which LIVE names: whoever moves it takes it
-- out there first.
--
-- Stands on: falls, tally, redis/time
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

local function journal_of(run, generation)
  return string.sub(META, 1, -5) .. 'j:' .. run .. '.' .. generation
end

-- Runs of one line have the workflow and the key in common.
local function line_of(run)
  return string.match(run, '^[^/]+/[^/]+')
end

-- Builds stand in their order; those that only one build may go on with stand behind all others.
local function lane_of(build)
  local number, pinned = string.match(build, '^(%d+)(=?)$')
  return string.format('%s%010.0f', pinned == '' and '0' or '=', number)
end

local function is_suspect(run, life)
  return life.build ~= 'e' and falls_of(run) >= SUSPECT
end

-- Those that have not begun stand apart, since a rate holds up only them; but for forks of runs with a build, which not every
-- worker may have.
local function waiting_entry(run, life, suspect)
  if life.build == 'e' then return 'e ' .. run end
  local mark = suspect and '!' or ''
  local lane = (life.expires == '-' or life.build ~= '0') and lane_of(life.build) or '-'
  return string.format('r %s%s %s %d %016.0f %s', workflow_of(run), mark, lane, 9 - life.priority, life.since, run)
end
