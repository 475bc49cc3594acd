-- overdue: undo a cut whose time is over, as where its builder has died, and say by which change the generations of the view
-- may be opened again.
--
-- ARGV[1] view
--
-- Replies {'open', number of the last change}. Or {'cutting', the generation that is being cut to}, {'unknown'}, {'forgot',
-- number of the last change}
--
-- Stands on: generations
local view = ARGV[1]
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
local cutting = redis.call('HGET', CATALOG, 'cutting:' .. view)
local id, deadline, state = string.match(cutting or '', '^(%S+) %d+ (%d+) (%l+)')
if id and micros <= tonumber(deadline) then return {'cutting', id} end
if id then undo(view, id, state) end
return {'open', n}
