-- Prelude of the verbs that may give work to a worker that sleeps: wakes one.
--
-- Workers that sleep wait for an element of BELL, which goes to the one that has slept longest. That one asks for work, and
-- wakes the next if it leaves some; if it has no room, it wakes another in its place. So one element is enough. While
-- nobody sleeps, it stays for the next one that would.
local function wake()
  if redis.call('LLEN', BELL) == 0 then redis.call('RPUSH', BELL, '1') end
end
