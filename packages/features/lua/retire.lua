-- retire: end a generation that is not read, and is not being cut to.
--
-- ARGV[1] view  ARGV[2] the generation  ARGV[3] token  ARGV[4] its issuer
--
-- Replies {'done', number of this change}. Or {'unknown'}, {'forgot', number of the last change}, {'foreign', mark},
-- {'stale', mark}, {'gone', its state or ''}
--
-- Stands on: generations
local view, id, token, issuer = unpack(ARGV)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local all = read_generations(view)
local state = state_of(all, id)
if redis.call('HGET', CATALOG, 'live:' .. view) == id then return {'gone', 'live'} end
if state ~= 'retired' and state ~= 'filling' and state ~= 'previous' then return {'gone', state or ''} end
mark(view, token, issuer)
if state == 'retired' then return {'done', n} end
n = n + 1
note('retired', view .. ' ' .. id)
set_states(view, all, {[id] = 'retired'})
redis.call('HDEL', CATALOG, 'definition:' .. view .. '.' .. id)
return {'done', n}
