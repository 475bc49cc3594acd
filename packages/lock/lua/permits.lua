-- Prelude of the verbs that know how many permits a semaphore has.
--
-- The number is kept as '<permits> <token> <admitted>': with the token under which it was decided, so that no two
-- decisions look the same, and the time when this node's memory began, so that a number that a restart brings back does
-- not count.

-- The number and its token; nothing if this node knows none.
local function permits_of(number, admitted)
  local permits, token, memory = string.match(redis.call('GET', number) or '', '^(%d+) (%d+) (%d+)$')
  if memory == string.format('%.0f', admitted) then return permits, token end
end

local function keep_permits(number, permits, token, admitted)
  redis.call('SET', number, permits .. ' ' .. token .. ' ' .. string.format('%.0f', admitted))
end
