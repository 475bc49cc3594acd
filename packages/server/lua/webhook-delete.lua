-- webhook-delete: forget a webhook.
--
-- KEYS[1] the definitions, by their names; KEYS[2] the cursors; ARGV[1] its name
-- Replies 'deleted', or 'unknown'
local before = redis.call('HGET', KEYS[1], ARGV[1])
if not before then return 'unknown' end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1] .. '\n' .. before:match('^%d+'))
return 'deleted'
