-- unshare: release for readers: a reader that is done leaves the group, and the last of them hands the lock over.
-- Never touches a fence. Needs no admission: giving up one's own lock is always safe.
--
-- then, for each operation: KEYS lock, queue, readers; ARGV lock value ("token owner"), and 'queued' if this owner has
-- stood in the queue: then it leaves it, and what is reserved for it is handed over too; or 'quietly' to take back what
-- a failed attempt was granted, and call nobody; or ''
--
-- Replies 'released': afterwards nobody reads under this value, and it makes no difference whether one did.
--
-- Stands on: queue, redis/time
local arg = 1
for key = 1, #KEYS, 3 do
  local lock, queue, readers = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  local how = ARGV[arg + 1]
  local token, owner = string.match(ARGV[arg], '^(%d+) (.*)$')
  local left = how == 'queued' and redis.call('ZREM', queue, owner) == 1
  local holder = redis.call('GET', lock)
  local over = how == 'queued' and holder == '0 ' .. owner
  if holder == token .. ' *' then
    redis.call('ZREM', readers, owner)
    redis.call('ZREMRANGEBYSCORE', readers, '-inf', millis)
    local last = redis.call('ZRANGE', readers, -1, -1, 'WITHSCORES')[2]
    over = not last
    if last then redis.call('PEXPIRE', lock, last - millis) end
  end
  if over then
    redis.call('DEL', lock)
    if how ~= 'quietly' then hand_over(lock, queue) end
  elseif left and holder then
    promote(lock, queue)
  end
  arg = arg + 2
end
return 'released'
