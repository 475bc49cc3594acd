-- extend: prolong locks that are still there, and say for the others whether anybody can have been granted them since.
-- Takes no lock.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence; ARGV lock value ("token owner"), ttl in milliseconds
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- kept  vouched  held:<token>@<time>  stale:<fence>@<time>  forgotten@<time>
--
-- Stands on: memory, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local kept = redis.call('MGET', unpack(KEYS, 2))
local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 2 do
  local lock, fence = KEYS[key], KEYS[key + 1]
  local value, ttl = ARGV[arg], ARGV[arg + 1]
  local token = string.match(value, '^%d+')
  local holder, mark = kept[key - 1], token_of(kept[key])
  local vote
  if holder == value then
    prolong(lock, ttl)
    redis.call('SET', fence, token, 'PX', RETENTION)
    vote = 'kept'
  elseif holder then
    vote = stamped('held:' .. (string.match(holder, '^%d+') or 0))
  elseif mark and tonumber(mark) > tonumber(token) then
    vote = stamped('stale:' .. mark)
  elseif vouches(token, mark, admitted) then
    vote = 'vouched'
  else
    vote = stamped('forgotten')
  end
  reply = reply .. ' ' .. vote
  arg = arg + 2
end
return reply
