-- uncut: undo a cut that has not come to its end.
--
-- ARGV[1] view  ARGV[2] number of the change that began it
--
-- Replies {'done', number of this change}, or {'changed', number of the last change} if it was undone or has come to its end
--
-- Stands on: generations
local view = ARGV[1]
local id, at, state = string.match(redis.call('HGET', CATALOG, 'cutting:' .. view) or '', '^(%S+) (%d+) %d+ (%l+)')
if at ~= ARGV[2] then return {'changed', n} end
undo(view, id, state)
return {'done', n}
