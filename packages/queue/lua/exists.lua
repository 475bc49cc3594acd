-- exists: whether there is such a queue. Stands on queue.lua.
--
-- Replies {'exists'} or {'unknown'}
if is_new then return {'unknown'} end
return {'exists'}
