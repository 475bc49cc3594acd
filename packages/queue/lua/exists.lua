-- exists: whether there is such a queue. Stands on queue.lua.
--
-- Replies {'exists'} or {'unknown'}
return {is_new and 'unknown' or 'exists'}
