-- pin: keep generations from being ended before some time. Who pins them again under the same name moves that time.
--
-- ARGV[1] the name of the pin  ARGV[2] for how long, in ms
-- then, for each view: ARGV its name, the generation, or '' for the one that is read
--
-- Replies {'done', number of the last change, until when in microseconds, for each view the generation}. Or {'unknown'},
-- {'forgot', number of the last change}, {'gone', its state or '', view}
--
-- Stands on: generations
local name, length = unpack(ARGV, 1, 2)
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
local ends, fields = string.format('%.0f', micros + length * 1000), {}
local reply = {'done', n, ends}
for index = 3, #ARGV, 2 do
  local view, id = ARGV[index], ARGV[index + 1]
  if id == '' then id = redis.call('HGET', CATALOG, 'live:' .. view) or '' end
  local state = state_of(read_generations(view), id)
  if state ~= 'live' and state ~= 'previous' and state ~= 'cutting' then return {'gone', state or '', view} end
  fields[#fields + 1], fields[#fields + 2] = 'pin:' .. view .. '.' .. id .. ':' .. name, ends
  reply[#reply + 1] = id
end
redis.call('HSET', CATALOG, unpack(fields))
return reply
