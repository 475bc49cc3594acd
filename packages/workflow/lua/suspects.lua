-- Prelude of the verb that claims: runs that have fallen again and again are given out alone, so that they take no other
-- with them.
--
-- then, for each workflow of the session: ARGV as work.lua has it
--
-- Stands on: limits, waiting

-- The entry of one for the session, whose workflows are those of `work`, if it has nothing else; and whether the session is
-- to have nothing more until it is so, because no other is about to be.
local function suspects_for(session)
  local none = {}
  if tonumber(redis.call('HGET', TALLY, '!') or 0) == 0 then return none, false end
  for index = 6, #ARGV, 2 do
    local suspects = waiting(ARGV[index] .. '!', ARGV[index + 1], admit(ARGV[index], 1), 0)
    if #suspects > 0 then
      local owned = redis.call('ZRANGEBYLEX', WORK, '[o ' .. session .. ' ', '(o ' .. session .. '!', 'LIMIT', 0, 1)
      local drains = redis.call('HGET', META, 'drains')
      if #owned == 0 then
        if drains == session then redis.call('HDEL', META, 'drains') end
        return suspects, false
      end
      if drains and drains ~= session and redis.call('ZSCORE', SESSIONS, drains) then return none, false end
      redis.call('HSET', META, 'drains', session)
      return none, true
    end
  end
  return none, false
end
