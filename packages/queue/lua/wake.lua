-- Prelude of the verbs that may give work to a worker that sleeps.
local function wake()
  redis.call('XADD', WAKE, 'MAXLEN', 1, '*', 'w', '1')
end
