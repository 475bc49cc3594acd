-- webhook-advance: note how far a webhook has come, while this replica follows the events and the webhook is the same.
--
-- KEYS[1] the replica that follows; KEYS[2] the definitions; KEYS[3] the cursors
-- ARGV[1] this replica; ARGV[2] the name of the webhook; ARGV[3] since when it follows that; ARGV[4] the cursor
-- Replies 'noted', or 'passed over'
local definition = redis.call('HGET', KEYS[2], ARGV[2])
local isSame = definition and definition:match('^%d+') == ARGV[3]
if redis.call('GET', KEYS[1]) ~= ARGV[1] or not isSame then return 'passed over' end
redis.call('HSET', KEYS[3], ARGV[2] .. '\n' .. ARGV[3], ARGV[4])
return 'noted'
