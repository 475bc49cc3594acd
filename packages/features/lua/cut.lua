-- cut: begin to replace the generation that is read by another, which is filling or was read before.
--
-- ARGV[1] view  ARGV[2] the generation that is to be read  ARGV[3] token  ARGV[4] its issuer  ARGV[5] for how long nobody else
-- may undo it, in ms
--
-- Replies {'done', number of this change, the generation that is read}. Or {'unknown'}, {'forgot', number of the last change}, {'foreign', mark},
-- {'stale', mark}, {'gone', its state or ''}, {'busy', the generation that is being cut to, the number of that change, 1 if
-- anybody may undo it}
--
-- Stands on: generations
local view, id, token, issuer, patience = unpack(ARGV)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local other, at, deadline = string.match(redis.call('HGET', CATALOG, 'cutting:' .. view) or '', '^(%S+) (%d+) (%d+)')
if other then return {'busy', other, tonumber(at), micros > tonumber(deadline) and 1 or 0} end
local all = read_generations(view)
local state = state_of(all, id)
if state ~= 'filling' and state ~= 'previous' then return {'gone', state or ''} end
note('cutting', view .. ' ' .. id)
set_states(view, all, {[id] = 'cutting'})
local cutting = string.format('%s %d %.0f %s', id, n, micros + patience * 1000, state)
redis.call('HSET', CATALOG, 'cutting:' .. view, cutting)
mark(view, token, issuer)
return {'done', n, redis.call('HGET', CATALOG, 'live:' .. view)}
