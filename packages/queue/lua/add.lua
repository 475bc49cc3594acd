-- add: put plain tasks into their streams.
--
-- then, for each operation: ARGV priority, data, options or ''
--
-- Replies 'added <id> ...', in which 'full:<limit>' stands for a task that found no room
--
-- Stands on: known, push, stamp
local max, announced = unpack(redis.call('HMGET', META, 'max', 'announced'))
local room = max and max - unbegun() or 1e9
local ids = {'added'}
for arg = 1, #ARGV, 3 do
  local priority, data, options = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  if room < 1 then
    ids[#ids + 1] = 'full:' .. max
  else
    local stream = stream_of(priority)
    if priority ~= '0' then note(priority) end
    local id = options == '' and redis.call('XADD', stream, '*', 'd', data)
      or redis.call('XADD', stream, '*', 'd', data, 'o', options)
    ids[#ids + 1] = priority == '0' and id or id .. ':' .. priority
    if is_announced(announced, 'a') then move(ids[#ids], 'a', '') end
  end
  room = room - 1
end
if #ids > 1 then wake() end
return table.concat(ids, ' ')
