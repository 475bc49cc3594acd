-- exists: say whether the queue exists.
--
-- Replies {'exists'} or {'unknown'}
--
-- Stands on: queue
if is_new then return {'unknown'} end
return {'exists'}
