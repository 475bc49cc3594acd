-- Prelude of the verb that tells a session again what it has: puts its deliveries among the claims of the reply.
--
-- Stands on: entries
local function hold(session, levels)
  local count = 0
  for _, level in ipairs(levels) do
    local stream = stream_of(level)
    local pending = redis.pcall('XPENDING', stream, GROUP, '-', '+', 1000, session)
    local kept = {}
    for _, one in ipairs(pending.err and {} or pending) do
      local found = redis.call('XRANGE', stream, one[1], one[1])[1]
      if found and (found[2][1] ~= 'i' or resolve(stream, one[1], found[2])) then
        kept[#kept + 1] = {found[1], found[2], one[4]}
      end
    end
    if #kept > 0 then
      claims[#claims + 1] = level
      claims[#claims + 1] = kept
      count = count + #kept
    end
  end
  return count
end
