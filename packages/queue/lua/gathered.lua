-- gathered: read how the tasks of a fan-in have ended.
--
-- ARGV[1] the id of its follow-up  ARGV[2] the place from which on  ARGV[3] how many at most
--
-- Replies {'gathered', its number, how many tasks it has, how many have not ended, the place from which to go on or '',
-- outcome, ...} with '' for a task that has not ended; about a megabyte at most. Or {'unknown'}.
--
-- Stands on: queue
local number, total = string.match(redis.call('HGET', GATHERED, 'of ' .. ARGV[1]) or '', '^(%d+) (%d+)$')
if not number then return {'unknown'} end
local reply = {'gathered', number, total, redis.call('HGET', GATHERED, 'left ' .. number) or '0', ''}
local place, bytes = tonumber(ARGV[2]), 0
local last = math.min(tonumber(total), place + ARGV[3])
while place < last and bytes < 1000000 do
  local outcome = redis.call('HGET', GATHERED, string.format('%s %.0f', number, place)) or ''
  reply[#reply + 1] = outcome
  place, bytes = place + 1, bytes + #outcome
end
if place < tonumber(total) then reply[5] = string.format('%.0f', place) end
return reply
