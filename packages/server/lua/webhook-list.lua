-- webhook-list: the definitions of webhooks, and how far each has come.
--
-- KEYS[1] the definitions, by their names; KEYS[2] the cursors
-- Replies {'known', both, as HGETALL does}
local definitions, cursors = redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])
return { 'known', definitions, cursors }
