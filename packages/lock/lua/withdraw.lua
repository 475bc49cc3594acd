-- withdraw: take back what a failed attempt was granted. A batch of them in one call. Calls nobody: no majority was
-- kept from anybody.
--
-- then, for each operation: KEYS lock; ARGV lock value ("token owner")
--
-- Replies 'released': afterwards no lock has this value, and it makes no difference whether one had.
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[i] then redis.call('DEL', KEYS[i]) end
end
return 'released'
