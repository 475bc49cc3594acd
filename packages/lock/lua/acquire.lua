-- acquire: vote on proposals for free locks; a batch of them in one call, which reads everything with one command.
--
-- KEYS[1] the deployment record
-- ARGV[1] the ttl in milliseconds; if they differ, followed by ' <number of the operation>:<ttl>' for each change
-- then, for each operation: KEYS lock, fence; ARGV lock value ("token owner")
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a single 'granted' for all of them; or a refusal of
-- admission.lua. A vote is one of
-- granted  held:<token>:<remaining ms>  stale:<fence>@<time>  window@<time>
--
-- Stands on: admission, held, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local kept = redis.call('MGET', unpack(KEYS, 2))
local ttl, changes = string.match(ARGV[1], '^%d+'), nil
if ttl ~= ARGV[1] then
  changes = {}
  for number, other in string.gmatch(ARGV[1], ' (%d+):(%d+)') do changes[tonumber(number)] = other end
end
local votes -- once there is another than 'granted'
for i = 1, #ARGV - 1 do
  local lock, fence, value = KEYS[2 * i], KEYS[2 * i + 1], ARGV[i + 1]
  local token = string.match(value, '^%d+')
  local ballot = tonumber(token)
  local holder, mark = kept[2 * i - 1], token_of(kept[2 * i])
  local vote
  ttl = changes and changes[i] or ttl
  if holder == value then
    vote = 'granted' -- the same proposal, delivered twice
  elseif holder then
    vote = held_by(holder, lock)
  elseif mark and tonumber(mark) >= ballot then
    vote = stamped('stale:' .. mark)
  elseif math.abs(ballot - micros) > WINDOW then
    vote = stamped('window')
  elseif redis.call('SET', lock, value, 'PX', ttl, 'NX') then
    raise(fence, token, mark)
    vote = 'granted'
  else
    vote = held_by(redis.call('GET', lock), lock) -- by an earlier operation of this batch
  end
  if votes then
    votes = votes .. ' ' .. vote
  elseif vote ~= 'granted' then
    votes = string.rep('granted ', i - 1) .. vote
  end
end
return 'voted ' .. run_id .. ' ' .. (votes or 'granted')
