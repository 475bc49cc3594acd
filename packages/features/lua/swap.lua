-- swap: have another generation of a view read, as the end of the cut that was begun for it.
--
-- ARGV[1] view  ARGV[2] number of the change that began the cut  ARGV[3] token  ARGV[4] its issuer
--
-- Replies {'done', number of this change, the generation that was read before}. Or {'unknown'}, {'forgot', number of the last
-- change}, {'foreign', mark}, {'stale', mark}, {'changed', number of the last change} if the cut was undone or came to its end
--
-- Stands on: generations
local view, number, token, issuer = unpack(ARGV)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local id, at = string.match(redis.call('HGET', CATALOG, 'cutting:' .. view) or '', '^(%S+) (%d+)')
if at ~= number then return {'changed', n} end
local defined = redis.call('HMGET', CATALOG, 'live:' .. view, 'definition:' .. view, 'definition:' .. view .. '.' .. id)
local old, before, after = defined[1], defined[2], defined[3]
note('live', view .. ' ' .. id, 'definition', after or before)
set_states(view, read_generations(view), {[id] = 'live', [old] = 'previous'})
redis.call('HSET', CATALOG, 'live:' .. view, id, 'applied:' .. view, n, 'definition:' .. view, after or before, 'definition:' .. view .. '.' .. old, before)
redis.call('HDEL', CATALOG, 'cutting:' .. view, 'definition:' .. view .. '.' .. id)
return {'done', n, old}
