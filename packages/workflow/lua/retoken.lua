-- retoken: a fresh token for one attempt of a step. Who owns the run stays as it is: the attempt's token is for guards.
--
-- ARGV[1] run  ARGV[2] claim token  ARGV[3] session  ARGV[4] a token that a guard has preferred, or 0
--
-- Replies {'token', token}, {'early', ms until it may be issued}, or {'stale'} if the run is not owned so
--
-- Stands on: part, redis/epoch
local epoch, last = epoch_of(meta)
local token, _, session = owner_of(redis.call('HGET', LIVE, ARGV[1]))
if token ~= ARGV[2] or session ~= ARGV[3] or tonumber(token) < tonumber(epoch) then return {'stale'} end
local fresh, early = next_token(last, ARGV[4], false)
if early > 0 then return {'early', string.format('%.0f', early)} end
redis.call('HSET', META, 'token', string.format('%.0f', fresh))
return {'token', string.format('%.0f', fresh)}
