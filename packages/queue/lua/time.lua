-- time: read the time of the server, which decides everything.
--
-- Replies {'time', in ms since the epoch}
--
-- Stands on: queue
return {'time', string.format('%.0f', now)}
