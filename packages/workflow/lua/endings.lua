-- Prelude of the verb that commits: what becomes of a run then. Each gives the word of the reply.
--
-- Stands on: lines, streams

local ENDINGS = {}

function ENDINGS.go(commit)
  redis.call('HSET', LIVE, commit.run, commit.next)
  return 'committed'
end

-- It waits, until the time in its argument: '<the length that its owner knows> <ms since the epoch, or 0>'.
function ENDINGS.park(commit)
  local known, due = string.match(commit.argument, '^(%d+) (%d+)$')
  if commit.length ~= known + commit.added then
    redis.call('HSET', LIVE, commit.run, commit.next)
    return 'again'
  end
  take_out(commit.run, commit.life)
  make_parked(commit.run, commit.life, due)
  return 'committed'
end

-- Its owner gives it back.
function ENDINGS.back(commit)
  take_out(commit.run, commit.life)
  make_ready(commit.run, commit.life, true)
  return 'committed'
end

-- It cannot go on; why is the argument.
function ENDINGS.stuck(commit)
  take_out(commit.run, commit.life)
  make_stuck(commit.run, commit.life, commit.argument)
  return 'committed'
end

-- It is over, and kept for as many ms as the argument says.
ENDINGS['end'] = function(commit)
  take_out(commit.run, commit.life)
  redis.call('HDEL', LIVE, commit.run)
  redis.call('ZADD', ENDED, millis + commit.argument, commit.run)
  redis.call('PEXPIRE', commit.journal, commit.argument)
  redis.call('PEXPIRE', commit.state, commit.argument)
  expire_streams(commit.run, commit.journal, commit.argument)
  tell_waiters(commit.run, 'e' .. commit.run .. '\n' .. commit.last)
  free_key(commit.run)
  return 'committed'
end
