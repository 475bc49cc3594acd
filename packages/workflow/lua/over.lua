-- Prelude of the verbs that end runs.
--
-- Stands on: children, events, limits, lines, streams, stuck

-- It is over, and kept for so many ms, whoever had it or wherever it waited. `last` is its last record, which is there.
local function finish(run, life, parts)
  take_out(run, life)
  begin(run, life)
  ring_held(workflow_of(run))
  redis.call('HDEL', LIVE, run)
  redis.call('ZADD', ENDED, millis + parts.retain, run)
  redis.call('HSET', OVER, run, string.format('%.0f %s %s %s', millis, parts.status, life.priority, life.build))
  tally(run, parts.status, 1)
  redis.call('PEXPIRE', parts.journal, parts.retain)
  redis.call('PEXPIRE', parts.state, parts.retain)
  expire_streams(run, parts.journal, parts.retain)
  happened(run, 'ended', parts.status)
  tell_waiters(run, 'e' .. run .. '\n' .. parts.last)
  tell_parent(run, parts.last)
  free_key(run)
end
