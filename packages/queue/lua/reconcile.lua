-- reconcile: give up deliveries that a session has without its worker's knowledge, because an answer was lost or the
-- server has forgotten an end; and tell which ones it does not have although the worker believes so.
--
-- ARGV[1] session  ARGV[2] its lease in ms  ARGV[3] the number of this call of the session
-- then, for each delivery that the worker knows of: ARGV its priority, its entry
--
-- Replies {'reconciled', the epoch, level, entry, ... of what it does not have}, or {'lost'} when the session is over
--
-- Stands on: queue, redis/epoch, redis/sessions, deliveries, wake
local session = ARGV[1]
if not redis.call('ZSCORE', SESSIONS, session) then return {'lost'} end
redis.call('ZADD', SESSIONS, now + ARGV[2], session)
local epoch = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token'))
-- From now on, calls that are still on their way claim nothing. If this call is late itself, its knowledge is outdated.
if not is_next(session, ARGV[3]) then return {'reconciled', epoch} end
local known = {}
for arg = 4, #ARGV, 2 do known[place_of(ARGV[arg], ARGV[arg + 1])] = true end
local count = 0
for _, level in ipairs(levels_of(redis.call('HGET', META, 'levels'))) do
  local stream, from = stream_of(level), '-'
  repeat
    local pending = redis.pcall('XPENDING', stream, GROUP, from, '+', 500, session)
    if pending.err then pending = {} end
    for _, one in ipairs(pending) do
      local place = place_of(level, one[1])
      if known[place] then
        known[place] = nil
      else
        redis.call('XCLAIM', stream, GROUP, RETURNED, 0, one[1], 'RETRYCOUNT', one[4] - 1, 'JUSTID')
        count = count + 1
      end
      from = '(' .. one[1]
    end
  until #pending < 500
end
if count > 0 then
  redis.call('HINCRBY', META, 'returned', count)
  wake()
end
local reply = {'reconciled', epoch}
for arg = 4, #ARGV, 2 do
  if known[place_of(ARGV[arg], ARGV[arg + 1])] then
    reply[#reply + 1] = ARGV[arg]
    reply[#reply + 1] = ARGV[arg + 1]
  end
end
return reply
