-- Prelude of the verbs that keep to the limits of workflows, and to pauses.
--
-- LIMITS is a hash of, by workflow: what was declared, as text; "<workflow>:pace", which is of that
-- "<version> <most that wait or -> <most at a time or -> <most that begin or -> <within how many ms>"; "<workflow>:held" if
-- it is paused.
--
-- Stands on: ready, redis/window
local paces = {}

local function pace_of(workflow)
  if paces[workflow] then return paces[workflow] end
  local kept = redis.call('HMGET', LIMITS, workflow .. ':pace', workflow .. ':held')
  local version, waiting, concurrency, rate, per = string.match(kept[1] or '0 - - - -', '^(%d+) (%S+) (%S+) (%S+) (%S+)$')
  paces[workflow] = {
    version = tonumber(version), waiting = tonumber(waiting), concurrency = tonumber(concurrency), rate = tonumber(rate),
    per = tonumber(per), held = kept[2],
  }
  return paces[workflow]
end

local function tally_of(workflow, what)
  local field = workflow .. ':' .. what
  return tonumber(redis.call('HGET', TALLY, field) or 0) + (counted and counted[field] or 0)
end

-- How many may be owned besides, how many of them may be such as have not begun, and in how many ms more of those may.
local function admit(workflow, most)
  local pace = pace_of(workflow)
  if pace.held then most = 0 end
  if pace.concurrency then most = math.max(0, math.min(most, pace.concurrency - tally_of(workflow, 'o'))) end
  if not pace.rate or most == 0 then return most, most, -1 end
  local allowed, at = allowance(workflow, pace.rate, pace.per)
  return most, math.min(most, allowed), allowed < most and at - millis or -1
end

local function note_begins(workflow, count)
  local pace = pace_of(workflow)
  if pace.rate and count > 0 then note_begun(workflow, pace.per, count) end
end

-- One less is owned: another may be.
local function ring_held(workflow)
  if pace_of(workflow).concurrency then ring(workflow, '0') end
end

-- In how many ms to try again, where no more may wait; nothing if there is room.
local function is_full(workflow)
  local pace = pace_of(workflow)
  if not pace.waiting or tally_of(workflow, 'u') < pace.waiting then return nil end
  -- A tenth of the time that the next one has waited: by then about a tenth of those that wait have begun.
  local next = redis.call('ZRANGEBYLEX', WORK, '[r ' .. workflow .. ' ', '(r ' .. workflow .. '!', 'LIMIT', 0, 1)[1]
  local since = next and tonumber(string.match(next, '^r %S+ %S+ %d (%d+)'))
  local age = since and since > FIRST and (micros - since) / 1000 or 10000
  return math.floor(math.max(100, math.min(30000, age / 10)))
end
