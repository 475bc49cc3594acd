-- time: that of the server, by which all is decided. Stands on queue.lua.
--
-- Replies {'time', in ms since the epoch}
return {'time', string.format('%.0f', now)}
