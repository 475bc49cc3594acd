-- schedules: schedules by their next ticks, those that are due or all.
--
-- ARGV[1] 'due' or 'all'
--
-- Replies {'schedules', time in ms, since when there has been a worker at all times, the first tick that is not listed or '',
-- for each: name, what it is, its next tick}
--
-- Stands on: part, redis/time
local until_when = ARGV[1] == 'due' and string.format('%.0f', millis) or '+inf'
local reply = {'schedules', string.format('%.0f', millis), redis.call('HGET', META, 'since') or '0', ''}
local ticks = redis.call('ZRANGEBYSCORE', TICKS, '-inf', until_when, 'WITHSCORES', 'LIMIT', 0, 1000)
for index = 1, #ticks, 2 do
  reply[#reply + 1] = ticks[index]
  reply[#reply + 1] = redis.call('HGET', SCHEDULES, ticks[index])
  reply[#reply + 1] = ticks[index + 1]
end
if until_when ~= '+inf' then
  reply[4] = redis.call('ZRANGEBYSCORE', TICKS, '(' .. until_when, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] or ''
end
return reply
