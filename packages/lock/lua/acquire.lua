-- acquire: vote on proposals for free locks; a batch of them in one call.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence; ARGV lock value ("token owner"), ttl in milliseconds
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- granted  held:<token>:<remaining ms>  stale:<fence>@<time>  window@<time>
--
-- Stands on: admission, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 2 do
  local lock, fence = KEYS[key], KEYS[key + 1]
  local value, ttl = ARGV[arg], ARGV[arg + 1]
  local token = string.match(value, '^%d+')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], token_of(kept[2])
  local vote
  if holder == value then
    vote = 'granted' -- the same proposal, delivered twice
  elseif holder then
    vote = 'held:' .. (string.match(holder, '^%d+') or 0) .. ':' .. redis.call('PTTL', lock)
  elseif mark and tonumber(mark) >= tonumber(token) then
    vote = stamped('stale:' .. mark)
  elseif math.abs(tonumber(token) - micros) > WINDOW then
    vote = stamped('window')
  else
    redis.call('SET', lock, value, 'PX', ttl)
    raise(fence, token, mark)
    vote = 'granted'
  end
  reply = reply .. ' ' .. vote
  arg = arg + 2
end
return reply
