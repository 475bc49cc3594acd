-- webhook-put: keep the definition of a webhook. One that follows the same as before goes on where it was.
--
-- KEYS[1] the definitions, by their names; KEYS[2] the cursors
-- ARGV[1] its name; ARGV[2] what it follows; ARGV[3] its definition; ARGV[4] the most definitions
-- Replies {'kept', since when it follows that, in ms}, or {'full'}
local before = redis.call('HGET', KEYS[1], ARGV[1])
if not before and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return { 'full' } end
local time = redis.call('TIME')
local since = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if before then
  local was, follows = before:match('^(%d+)\n([^\n]*)\n')
  if follows == ARGV[2] then since = was else redis.call('HDEL', KEYS[2], ARGV[1] .. '\n' .. was) end
end
redis.call('HSET', KEYS[1], ARGV[1], since .. '\n' .. ARGV[2] .. '\n' .. ARGV[3])
return { 'kept', since }
