-- Prelude of everything that must know what time it is at the server.
--
-- `micros` is the time in microseconds since the epoch; `millis` is in whole milliseconds.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local millis = math.floor(micros / 1000)
