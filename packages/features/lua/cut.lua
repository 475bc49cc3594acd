-- cut: begin to replace the generations of views that are read by others, which are filling or were read before.
--
-- ARGV[1] token  ARGV[2] its issuer  ARGV[3] for how long nobody else may undo it, in ms
-- then, for each view: ARGV its name, the generation that is to be read
--
-- Replies {'done', number of this change, for each view the generation that is read}. Or {'unknown'}, {'forgot', number of the
-- last change}, {'foreign', mark, view}, {'stale', mark, view}, {'gone', its state or '', view}, {'busy', the generation that is
-- being cut to, view, number of that change, 1 if anybody may undo it}
--
-- Stands on: cutting
local token, issuer, patience = unpack(ARGV, 1, 3)
local names, moves = {}, {}
for index = 4, #ARGV, 2 do
  local view, id = ARGV[index], ARGV[index + 1]
  local refusal = refused(view, token, issuer)
  if refusal then return refusal end
  local cutting = read_cutting(view)
  if cutting then return {'busy', cutting.id, view, tonumber(cutting.at), micros > cutting.deadline and 1 or 0} end
  local all = read_generations(view)
  local state = state_of(all, id)
  if state ~= 'filling' and state ~= 'previous' then return {'gone', state or '', view} end
  names[#names + 1] = view
  moves[#moves + 1] = {view = view, id = id, all = all, state = state}
end
n = n + 1
local reply, views, deadline = {'done', n}, table.concat(names, ','), micros + patience * 1000
for _, move in ipairs(moves) do
  set_states(move.view, move.all, {[move.id] = 'cutting'})
  local cutting = string.format('%s %d %.0f %s %s', move.id, n, deadline, move.state, views)
  redis.call('HSET', CATALOG, 'cutting:' .. move.view, cutting)
  mark(move.view, token, issuer)
  reply[#reply + 1] = redis.call('HGET', CATALOG, 'live:' .. move.view)
end
return reply
