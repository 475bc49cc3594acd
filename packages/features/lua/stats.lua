-- stats: how much a partition holds: in its log, of each generation, and of dead letters.
--
-- ARGV[1] how many views are asked for
-- then, for each view: KEYS its dead letters
--
-- Replies {'counted', entries of the log, the first of their ids or '', the server's time in microseconds, dead letters of each
-- view with spaces between, then "<what> <generation>" and its value}: what is rows, newest or refused, and a generation is followed
-- by ":<letter>" for the last
--
-- Stands on: record
local dead, first = {}, redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]
for index = 1, tonumber(ARGV[1]) do dead[index] = redis.call('XLEN', KEYS[#KEYS - ARGV[1] + index]) end
local reply = {'counted', redis.call('XLEN', LOG), first and first[1] or '', string.format('%.0f', micros), table.concat(dead, ' ')}
local fields = redis.call('HGETALL', RECORD)
for index = 1, #fields, 2 do
  local what, rest = string.match(fields[index], '^(%l+):(.*)$')
  if what == 'rows' or what == 'newest' or what == 'refused' then
    reply[#reply + 1], reply[#reply + 2] = what .. ' ' .. rest, fields[index + 1]
  end
end
return reply
