-- overdue: undo a cut whose time is over, as where its builder has died, and say by which change the generations of the view
-- may be opened again.
--
-- ARGV[1] view
--
-- Replies {'open', number of the last change}. Or {'cutting', the generation that is being cut to}, {'unknown'}, {'forgot',
-- number of the last change}
--
-- Stands on: cutting
local view = ARGV[1]
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
local cutting = read_cutting(view)
if cutting and micros <= cutting.deadline then return {'cutting', cutting.id} end
if cutting then undo(cutting) end
return {'open', n}
