-- fan: add tasks of a fan-in, whose follow-up is added when all have ended; in one call, or several, which may be repeated.
--
-- ARGV[1] the id of the follow-up  ARGV[2] how many tasks the fan-in has  ARGV[3] the follow-up's delay in ms  ARGV[4] in
-- how many ms it expires then, or ''  ARGV[5] its record without times  ARGV[6] a name that no other call has, and ARGV[7] for
-- how many ms this one may be repeated after the fan-in is over; or ''  ARGV[8] to ARGV[11] as guarded.lua, or '' each
-- then, for each task: ARGV its place, id, priority, key or '', delay in ms, body, in how many ms it expires, or ''
--
-- Replies {'fanned', word, ...}: added; same for a task that an earlier call has added; other where another task has its
-- id, which then counts as ended. Or, without having done anything, {'full', limit}; {'used'} where a task has the
-- follow-up's id, or a fan-in of another size; {'refused', ...} as guarded.lua.
--
-- Stands on: known, windows, alive, litter, under
local refused = ARGV[8] ~= '' and refused_under({unpack(ARGV, 8, 11)})
if refused then return refused end
local fan, total, name = ARGV[1], ARGV[2], ARGV[6]
local reply, new = {'fanned'}, 0
local number = string.match(redis.call('HGET', FANS, fan) or '', '^%d+')
local of = redis.call('HGET', GATHERED, 'of ' .. fan) or ''
local is_repeated = name ~= '' and tonumber(redis.call('ZSCORE', DEDUP, name) or 0) > now
if not is_repeated and is_alive(fan) then
  if string.match(of, ' (%d+)$') ~= total then return {'used'} end
  is_repeated = not number -- all have ended
end
for arg = 12, #ARGV, 7 do
  local place, id = ARGV[arg], ARGV[arg + 1]
  local word = is_alive(id) and 'other' or 'added'
  if is_repeated or number and redis.call('HEXISTS', GATHERED, number .. ' ' .. place) == 1 then word = 'same' end
  if number and redis.call('HGET', MEMBERS, id) == number .. ' ' .. place .. ' ' .. fan then word = 'same' end
  if word == 'added' then new = new + 1 end
  reply[#reply + 1] = word
end
if is_repeated then return reply end
local max = redis.call('HGET', META, 'max')
if max and new > 0 and unbegun() + new > tonumber(max) then return {'full', max} end

if name ~= '' then
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', DEDUP, '-inf', now, 'LIMIT', 0, 10)) do end_window(old) end
  redis.call('ZADD', DEDUP, now + ARGV[7], name)
end
if not number then
  forget_fan(fan)
  number = string.format('%.0f', (redis.call('HGET', META, 'fan') or 0) + 1)
  redis.call('HSET', META, 'fan', number, 'fans', '1')
  redis.call('HSET', FANS, fan, number .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. '\n' .. ARGV[5])
  redis.call('HSET', GATHERED, 'of ' .. fan, number .. ' ' .. total, 'left ' .. number, total)
end
quiet = true
for index = 2, #reply do
  local place, id, priority, key, delay, body, expires = unpack(ARGV, 7 * index - 2, 7 * index + 4)
  if reply[index] == 'added' then
    redis.call('HSET', MEMBERS, id, number .. ' ' .. place .. ' ' .. fan)
    redis.call('HDEL', DEDUPED, 'i:' .. id, 'u:' .. id) -- those of an earlier task with this id
    enlist(id, priority .. ' 0 ' .. key .. '\n' .. with_times(body, expires), delay)
  elseif reply[index] == 'other' then
    count_down(number, fan, place, id, 'o')
  end
end
if total == '0' then count_down(number, fan) end -- all have ended
wake()
return reply
