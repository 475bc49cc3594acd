-- Prelude of the verbs that know how many permits a semaphore has.
--
-- It is kept as '<permits> <token> <admitted>': the token under which the number was decided, so that no two decisions
-- look the same, and when the memory of this node began, so that a number which a restart brings back does not count.

-- The number and its token; nothing if this node knows none.
local function permits_of(number, admitted)
  local permits, token, memory = string.match(redis.call('GET', number) or '', '^(%d+) (%d+) (%d+)$')
  if memory == string.format('%.0f', admitted) then return permits, token end
end

local function keep_permits(number, permits, token, admitted)
  redis.call('SET', number, permits .. ' ' .. token .. ' ' .. string.format('%.0f', admitted))
end
