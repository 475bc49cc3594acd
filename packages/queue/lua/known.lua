-- Prelude of the verbs that put something into a queue, which must be known to the server by then.
--
-- A client that learns that it is not enters the queue (enter.lua) and repeats its call: a server that has forgotten a
-- queue is told its layout and its limits again before anything else.
--
-- Stands on: queue
if is_new then return redis.error_reply('HOLDFASTNEW no such queue') end
