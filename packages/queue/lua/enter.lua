-- enter: note the layout of a new queue, and the limits that a client declares.
--
-- ARGV[1] the version of the limits, '' for none  ARGV[2] the limits as text: the same text, the same limits
-- then, for each limit: ARGV its value, '' for none: how many tasks may wait, be handled at a time, begin, in how many ms;
-- slots of each key, how many tasks of it may begin, in how many ms; how many results are kept, for how many ms, how many
-- dead letters, for how many ms, and how many other events; and the breaker, as breaker.lua keeps it
--
-- Replies {'entered'}, or {'differs', the stored limits} when these have the same version but differ
--
-- Stands on: queue, breaker
local queues = THINGS
local LIMITS = {'max', 'limit', 'rate', 'per', 'key_limit', 'key_rate', 'key_per',
  'keep', 'keep_for', 'dead_keep', 'dead_keep_for', 'keep_events', 'breaker'}
local function stored_version()
  local stored = redis.call('HGET', META, 'limits')
  return stored and tonumber(string.match(stored, '^{"version":(%d+)')), stored
end
for queue = 0, queues - 1 do
  use(queue)
  local version, stored = stored_version()
  if version and version == tonumber(ARGV[1]) and stored ~= ARGV[2] then return {'differs', stored} end
end
for queue = 0, queues - 1 do
  use(queue)
  if not redis.call('HGET', META, 'layout') then redis.call('HSET', META, 'layout', LAYOUT) end
  if ARGV[1] ~= '' and tonumber(ARGV[1]) > (stored_version() or -1) then
    redis.call('HSET', META, 'limits', ARGV[2])
    for index, name in ipairs(LIMITS) do
      local value = ARGV[index + 2]
      if value == '' then redis.call('HDEL', META, name) else redis.call('HSET', META, name, value) end
    end
    if ARGV[#LIMITS + 2] == '' then forget_breaker() end
    wake()
  end
end
return {'entered'}
