-- release: delete locks where the owner and the token match, never a fence. A batch of them in one call. Needs no
-- admission: to give up one's own lock is always safe.
--
-- then, for each operation: KEYS lock; ARGV lock value ("token owner")
--
-- Replies 'released': afterwards no lock has this value, and it makes no difference whether one had.
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then redis.call('DEL', KEYS[i]) end
end
return 'released'
