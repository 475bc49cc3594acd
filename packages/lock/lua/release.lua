-- release: delete locks whose owner and token match, never a fence, and hand them over to the first waiter. A batch of
-- them in one call. Needs no admission: giving up one's own lock is always safe.
--
-- then, for each operation: KEYS lock, queue; ARGV lock value ("token owner"), and '1' if this owner has stood in the
-- queue: then it leaves it, and what is reserved for it is handed over too
--
-- Replies 'released': afterwards no lock has this value, and it makes no difference whether one had.
--
-- Stands on: queue
for i = 1, #KEYS, 2 do
  local lock, queue, value, waited = KEYS[i], KEYS[i + 1], ARGV[i], ARGV[i + 1] == '1'
  local holder = redis.call('GET', lock)
  local owner = waited and string.match(value, '^%d+ (.*)$')
  local left = waited and redis.call('ZREM', queue, owner) == 1
  if holder == value or (waited and holder == '0 ' .. owner) then
    redis.call('DEL', lock)
    hand_over(lock, queue)
  elseif left and holder then
    promote(lock, queue)
  end
end
return 'released'
