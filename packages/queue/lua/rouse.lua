-- rouse: wake a worker, in the place of one that was woken and has no room.
--
-- Replies {'roused'}
--
-- Stands on: queue, wake
wake()
return {'roused'}
