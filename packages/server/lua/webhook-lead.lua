-- webhook-lead: follow the events for all replicas, for a time, unless another does.
--
-- KEYS[1] the replica that does; ARGV[1] this replica; ARGV[2] for how many ms
-- Replies 'leads', or 'waits'
local leader = redis.call('GET', KEYS[1])
if leader and leader ~= ARGV[1] then return 'waits' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'leads'
