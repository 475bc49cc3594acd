-- share: take a lock beside others who read.
--
-- The first reader founds a group under a new token; a later one is told that token, and joins the group under it,
-- unless somebody waits that came before. To join a group of which nobody reads any more, this node must know that
-- nobody was granted the lock since.
--
-- KEYS[1] the deployment record
-- then, for each operation: KEYS lock, fence, queue, readers; ARGV lock value ("token owner"), ttl in milliseconds, for
-- how long this owner has been waiting in microseconds or '' if it does not wait, and '1' to join the group of this
-- token
--
-- Replies 'voted <run_id> <vote> ...', one vote an operation, or a refusal of admission.lua. A vote is one of
-- granted  shared:<token of the group>  held:<token>:<remaining ms>[:<first or behind>]  stale:<fence>@<time>
-- forgotten@<time>  window@<time>
--
-- Stands on: readers, contend, stamp
local admitted, refusal = admit()
if refusal then return refusal end

local reply = 'voted ' .. run_id
local arg = 1
for key = 2, #KEYS, 4 do
  local lock, fence, queue, readers = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  local value, ttl, waited, join = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3] == '1'
  local token, owner = string.match(value, '^(%d+) (.*)$')
  local kept = redis.call('MGET', lock, fence)
  local holder, mark = kept[1], token_of(kept[2])
  local group = group_of(holder)
  local since = micros - (tonumber(waited) or 0)
  local vote
  if holder and not group and holder ~= '0 ' .. owner or group and is_behind(queue, owner, since) then
    vote = stand(lock, queue, owner, holder, waited)
  elseif group and group ~= token then
    vote = 'shared:' .. group
  elseif not group and join then
    vote = doubt(mark, token, admitted, 0)
    -- No majority has granted a token that is ahead of this node's time: it comes from nodes whose clocks are wrong.
    if not vote and tonumber(token) - micros > WINDOW then vote = stamped('window') end
  elseif not group then
    vote = refuse(mark, token)
  end
  if not vote then
    enter(lock, fence, readers, value, ttl, not group)
    leave(lock, queue, owner, waited)
    vote = 'granted'
  end
  reply = reply .. ' ' .. vote
  arg = arg + 4
end
return reply
