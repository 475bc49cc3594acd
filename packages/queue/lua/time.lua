-- time: that of the server, by which all is decided.
--
-- Replies {'time', in ms since the epoch}
--
-- Stands on: queue
return {'time', string.format('%.0f', now)}
