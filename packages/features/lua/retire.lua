-- retire: end a generation that was read before, and that nobody keeps.
--
-- ARGV[1] view  ARGV[2] the generation  ARGV[3] token  ARGV[4] its issuer
--
-- Replies {'done', number of this change}. Or {'unknown'}, {'forgot', number of the last change}, {'foreign', mark, view},
-- {'stale', mark, view}, {'gone', its state or '', view}, {'pinned', who keeps it and until when in microseconds, view}
--
-- Stands on: pins
local view, id, token, issuer = unpack(ARGV)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local state = state_of(read_generations(view), id)
if redis.call('HGET', CATALOG, 'live:' .. view) == id then return {'gone', 'live', view} end
if state ~= 'retired' and state ~= 'previous' then return {'gone', state or '', view} end
local kept = pinned(view, id)
if kept then return kept end
if state == 'previous' then
  retire(view, id)
  mark(view, token, issuer)
end
return {'done', n}
