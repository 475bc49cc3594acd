-- Prelude of the verbs that end runs.
--
-- Stands on: children, events, limits, lines, streams, stuck

-- How much longer a run is kept that no archive takes, in ms.
local UNARCHIVED = 30 * 86400000

-- For how many ms a run is kept that is over, at the most: with an archive in the app, until that has it.
local function kept_for(run, retain)
  local archives = redis.call('HGET', META, 'archives')
  if not archives or tonumber(archives) <= millis then return retain end
  redis.call('ZADD', ARCHIVES, string.format('%.0f', (millis + retain) * 1000), run)
  return string.format('%.0f', retain + UNARCHIVED)
end

-- It is over, and kept for so many ms, whoever had it or wherever it waited. `last` is its last record, which is there.
local function finish(run, life, parts)
  take_out(run, life)
  begin(run, life)
  ring_held(workflow_of(run))
  redis.call('HDEL', LIVE, run)
  local kept = kept_for(run, parts.retain)
  redis.call('ZADD', ENDED, millis + kept, run)
  redis.call('HSET', OVER, run, millis .. ' ' .. parts.status .. ' ' .. life.priority .. ' ' .. life.build)
  clear_falls(run)
  tally(run, parts.status, 1)
  redis.call('PEXPIRE', parts.journal, kept)
  if redis.call('EXISTS', parts.state, writers_of(parts.journal)) > 0 then
    redis.call('PEXPIRE', parts.state, kept)
    expire_streams(run, parts.journal, kept)
  end
  happened(run, 'ended', parts.status)
  tell_waiters(run, 'e' .. run .. '\n' .. parts.last)
  tell_parent(run, parts.last)
  free_key(run)
end
