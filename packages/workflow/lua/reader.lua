-- reader: open or move a named reader of events, whose place is kept under its token: who opened it last moves it.
--
-- ARGV[1] reader  ARGV[2] its token; to open it, '' for a fresh one  ARGV[3] the place to which it moves, or '' to open it
--
-- Replies {'reader', token, place}, {'early', ms until a token may be issued}, or {'stale'} if another has opened it
--
-- Stands on: part, redis/epoch
local reader, token, place = unpack(ARGV)
local known, at = string.match(redis.call('HGET', CURSORS, reader) or '0 0-0', '^(%d+) (%S+)$')
if place ~= '' then
  if known ~= token then return {'stale'} end
  at = place
elseif token == '' then
  local _, last = epoch_of(redis.call('HMGET', META, 'server', 'epoch', 'token', 'ceiling'))
  local fresh, early = next_token(last, known, false)
  if early > 0 then return {'early', string.format('%.0f', early)} end
  token = string.format('%.0f', fresh)
  redis.call('HSET', META, 'token', token)
elseif tonumber(token) < tonumber(known) then
  return {'stale'}
end
redis.call('HSET', CURSORS, reader, token .. ' ' .. at)
return {'reader', token, at}
