-- exists: whether there is such a queue.
--
-- Replies {'exists'} or {'unknown'}
--
-- Stands on: queue
if is_new then return {'unknown'} end
return {'exists'}
