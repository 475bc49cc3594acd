-- retire: end leases for good: delete the lock, and hand it over, and see to it that this node never vouches for the
-- token again. After a release it would, until somebody else is granted the lock.
--
-- It would also vouch if it has never granted this token, or if a failed attempt that it has granted since gives its
-- fence back. So the fence is raised above the token wherever it is lower, and so is the fence that it replaced. To
-- bar the one token above that nobody has proposed costs nothing: proposals follow the time.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence, queue; ARGV lock value ("token owner")
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- retired  held:<token>@<time> by another owner under the same token, as readers are
-- window@<time> for a token that no node can have granted, which as a fence would bar all proposals
--
-- Stands on: queue, admission, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
for key = 2, #KEYS, 3 do
  local lock, fence, queue = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  local value = ARGV[(key + 1) / 3]
  local token, owner = string.match(value, '^(%d+) (.*)$')
  local kept = redis.call('MGET', lock, fence)
  local holder = kept[1]
  if tonumber(token) > micros + 2 * WINDOW then
    reply = reply .. ' ' .. stamped('window')
  elseif holder and holder ~= value and string.match(holder, '^%d+') == token then
    reply = reply .. ' ' .. stamped('held:' .. token)
  else
    local mark, before = string.match(kept[2] or '', '^(%d+) ?(%d*)$')
    local above = string.format('%.0f', tonumber(token) + 1)
    if not mark or tonumber(mark) <= tonumber(token) then
      redis.call('SET', fence, above, 'PX', RETENTION)
    elseif before ~= '' and tonumber(before) <= tonumber(token) then
      redis.call('SET', fence, mark .. ' ' .. above, 'KEEPTTL')
    end
    local left = redis.call('ZREM', queue, owner) == 1
    if holder == value or holder == '0 ' .. owner then
      redis.call('DEL', lock)
      hand_over(lock, queue)
    elseif left and holder then
      promote(lock, queue)
    end
    reply = reply .. ' retired'
  end
end
return reply
