-- abandon: end a generation that was begun and never read. A cut to it is undone, of all its views.
--
-- ARGV[1] view  ARGV[2] the generation  ARGV[3] token  ARGV[4] its issuer
--
-- Replies {'done', number of this change, for each view of a cut that was undone its name and the generation that is read}. Or
-- {'unknown'}, {'forgot', number of the last change}, {'foreign', mark, view}, {'stale', mark, view}, {'gone', its state or '', view}
--
-- Stands on: cutting, pins
local view, id, token, issuer = unpack(ARGV)
local refusal = refused(view, token, issuer)
if refusal then return refusal end
local state, cutting, undone = state_of(read_generations(view), id), read_cutting(view), {}
local is_cut = state == 'cutting' and cutting and cutting.id == id and cutting.state == 'filling'
if redis.call('HGET', CATALOG, 'live:' .. view) == id then return {'gone', 'live', view} end
if state ~= 'retired' and state ~= 'filling' and not is_cut then return {'gone', state or '', view} end
if is_cut then
  undo(cutting)
  for each in string.gmatch(cutting.views, '[^,]+') do
    undone[#undone + 1], undone[#undone + 2] = each, redis.call('HGET', CATALOG, 'live:' .. each)
  end
end
if state ~= 'retired' then
  retire(view, id)
  mark(view, token, issuer)
end
return {'done', n, unpack(undone)}
