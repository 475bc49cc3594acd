-- webhook-find: the definition of a webhook.
--
-- KEYS[1] the definitions, by their names; ARGV[1] its name
-- Replies {'known', the definition}, or {'unknown'}
local definition = redis.call('HGET', KEYS[1], ARGV[1])
if not definition then return { 'unknown' } end
return { 'known', definition }
