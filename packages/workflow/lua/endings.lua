-- Prelude of the verb that commits: what becomes of a run then. Each gives the word of the reply.
--
-- Stands on: over
local function give_up(commit)
  take_out(commit.run, commit.life)
  ring_held(workflow_of(commit.run))
end

local ENDINGS = {}

function ENDINGS.go(commit)
  redis.call('HSET', LIVE, commit.run, commit.next)
  return 'committed'
end

-- It waits, until the time in its argument: '<the length that its owner knows> <ms since the epoch, or 0> <names>'; the
-- names, JSON, are those of the messages for which it waits.
function ENDINGS.park(commit)
  local known, due, names = string.match(commit.argument, '^(%d+) (%d+) (.*)$')
  if commit.length ~= known + commit.added then
    redis.call('HSET', LIVE, commit.run, commit.next)
    return 'again'
  end
  give_up(commit)
  make_parked(commit.run, commit.life, due)
  if names ~= '[]' then happened(commit.run, 'waiting', names) end
  return 'committed'
end

-- Its owner gives it back: for so many ms, the argument, or '', nobody has it.
function ENDINGS.back(commit)
  give_up(commit)
  if commit.argument == '' then make_ready(commit.run, commit.life, true) else make_delayed(commit.run, commit.life, commit.argument) end
  return 'committed'
end

-- It cannot go on; why is the argument.
function ENDINGS.stuck(commit)
  give_up(commit)
  make_stuck(commit.run, commit.life, commit.argument)
  return 'committed'
end

-- It does not fit the code of the worker's build: it is for a higher one, if there is one.
function ENDINGS.unfit(commit)
  local own = tonumber(commit.build)
  local highest = tonumber(redis.call('HGET', META, 'build:' .. workflow_of(commit.run)) or 0)
  if not own or highest <= own then return ENDINGS.stuck(commit) end
  commit.life.build, commit.argument = string.format('%.0f', own + 1), ''
  return ENDINGS.back(commit)
end

-- It is over, and kept for so many ms: the argument is '<ms> <how it has ended>'.
ENDINGS['end'] = function(commit)
  local retain, status = string.match(commit.argument, '^(%d+) (%a+)$')
  local parts = {retain = retain, status = status, journal = commit.journal, state = commit.state, last = commit.last}
  finish(commit.run, commit.life, parts)
  return 'committed'
end
