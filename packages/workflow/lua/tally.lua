-- Prelude of the verbs that move runs: how many there are of each workflow.
--
-- TALLY counts, by workflow: o owned, p parked, d delayed, l in a line, s stuck, u not begun, and t takeovers so far; and of
-- all together, "!" suspects that wait.
--
-- Stands on: part
local workflows = {}
local function workflow_of(run)
  workflows[run] = workflows[run] or string.match(run, '^[^/]+')
  return workflows[run]
end

-- What a verb of many runs has counted and not written yet; nil for one that writes it at once.
local counted

local function tally(run, what, by)
  local field = workflow_of(run) .. ':' .. what
  if counted then
    counted[field] = (counted[field] or 0) + by
  else
    redis.call('HINCRBY', TALLY, field, by)
  end
end

local function write_tally()
  for field, by in pairs(counted) do
    if by ~= 0 then redis.call('HINCRBY', TALLY, field, by) end
  end
end
