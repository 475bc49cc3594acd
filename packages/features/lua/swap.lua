-- swap: have other generations of views read, all in this one step, as the end of the cut that was begun for them.
--
-- ARGV[1] number of the change that began the cut  ARGV[2] token  ARGV[3] its issuer
-- then, for each view of the cut: ARGV its name
--
-- Replies {'done', number of this change}. Or {'unknown'}, {'forgot', number of the last change}, {'foreign', mark, view},
-- {'stale', mark, view}, {'changed', number of the last change} if the cut was undone or came to its end
--
-- Stands on: cutting
local number, token, issuer = unpack(ARGV, 1, 3)
local views, moves = table.concat(ARGV, ',', 4), {}
for index = 4, #ARGV do
  local view = ARGV[index]
  local refusal = refused(view, token, issuer)
  if refusal then return refusal end
  local cutting = read_cutting(view)
  if not cutting or cutting.at ~= number or cutting.views ~= views then return {'changed', n} end
  local own = 'definition:' .. view .. '.' .. cutting.id
  local defined = redis.call('HMGET', CATALOG, 'live:' .. view, 'definition:' .. view, own)
  moves[#moves + 1] = {view = view, id = cutting.id, own = own, old = defined[1], before = defined[2], after = defined[3] or defined[2]}
end
n = n + 1
for _, move in ipairs(moves) do
  local view = move.view
  redis.call('XADD', HISTORY, '*', 'n', n, 'live', view .. ' ' .. move.id, 'definition', move.after)
  set_states(view, read_generations(view), {[move.id] = 'live', [move.old] = 'previous'})
  redis.call('HSET', CATALOG, 'live:' .. view, move.id, 'before:' .. view, move.old .. ' ' .. n, 'applied:' .. view, n, 'definition:' .. view, move.after, 'definition:' .. view .. '.' .. move.old, move.before)
  redis.call('HDEL', CATALOG, 'cutting:' .. view, move.own, 'due:' .. view .. '.' .. move.id)
end
return {'done', n}
