-- Prelude of every verb that votes: may this node vote?
--
-- A node that may have forgotten grants must not vote. It notices this by its deployment record, which names the server
-- (redis/server): so a restart, a failover, FLUSHALL and another server at the same address are all noticed here,
-- inside the vote, whatever the clients or proxies in between did. Such a node writes a new record and stays in
-- quarantine until everything that it may have forgotten has expired.
--
-- KEYS[1] the deployment record, a hash: parameters, server, admitted and votes_from (microseconds of this node); and
-- while the number of nodes changes, the parameters that are accepted too (change.lua)
-- The client opens the script with the deployment's constants, PARAMETERS as the record keeps them, and
--   QUARANTINE   how long a quarantine lasts, in microseconds
--   SYNCHRONOUS  whether persistence is declared synchronous, so that a restart forgets nothing
--   WINDOW       how far a proposal may be from this node's time, in microseconds
--   RETENTION    how long an unused fence is kept, in milliseconds, as text: Redis is slow to write a number of Lua
--   MIN_REPLICAS how many replicas must follow this node, for it to vote
--
-- Opens with: PARAMETERS, QUARANTINE, SYNCHRONOUS, WINDOW, RETENTION, MIN_REPLICAS
--
-- Stands on: redis/server
identify(MIN_REPLICAS > 0)
local run_id = RUN_ID

-- The fence of a resource is '<token> <before>', where <before> is the fence that the token has replaced, or 0, so that
-- an attempt that failed can give it back (withdraw.lua). Once the lock is extended, the fence is '<token>' alone.
local function token_of(fence)
  return fence and string.match(fence, '^%d+')
end
local function raise(fence, token, mark)
  redis.call('SET', fence, token .. ' ' .. (mark or '0'), 'PX', RETENTION)
end

-- Lets a held lock last for `ttl` milliseconds, and never less than it already does: if the answer is lost, somebody
-- may rely on that. Always writes, without taking memory: a node whose memory is full then lets the script go on.
local function prolong(lock, ttl)
  redis.call('PEXPIRE', lock, math.max(redis.call('PTTL', lock), tonumber(ttl)))
end

-- Returns when this node's memory of grants begins, in microseconds; or nil and the refusal, which is one of
-- 'quarantined <run_id> <remaining ms>'  'misfit <run_id> <the record's parameters>'
-- 'isolated <run_id> <number of replicas that follow>'
local function admit()
  local record = redis.call('HMGET', KEYS[1], 'parameters', 'server', 'admitted', 'votes_from', 'also')
  local parameters, admitted, votes_from = record[1], tonumber(record[3]), tonumber(record[4])
  if parameters and parameters ~= PARAMETERS and record[5] ~= PARAMETERS then
    return nil, 'misfit ' .. run_id .. ' ' .. parameters
  end
  if record[2] ~= SERVER then
    if not (parameters and SYNCHRONOUS) then
      admitted, votes_from = micros, micros + QUARANTINE
    end
    redis.call('HSET', KEYS[1], 'parameters', parameters or PARAMETERS, 'server', SERVER,
      'admitted', string.format('%.0f', admitted), 'votes_from', string.format('%.0f', votes_from))
  end
  if micros < votes_from then
    return nil, 'quarantined ' .. run_id .. ' ' .. math.ceil((votes_from - micros) / 1000)
  end
  -- A master that no replica follows may have been replaced without knowing it.
  if FOLLOWING < MIN_REPLICAS then return nil, 'isolated ' .. run_id .. ' ' .. FOLLOWING end
  return admitted
end
