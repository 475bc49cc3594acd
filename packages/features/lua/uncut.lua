-- uncut: undo a cut that has not come to its end, of all its views.
--
-- ARGV[1] one of its views  ARGV[2] number of the change that began it
--
-- Replies {'done', number of this change}, or {'changed', number of the last change} if it was undone or has come to its end
--
-- Stands on: cutting
local cutting = read_cutting(ARGV[1])
if not cutting or cutting.at ~= ARGV[2] then return {'changed', n} end
undo(cutting)
return {'done', n}
