-- Prelude of the verbs that publish notices to readers: progress, failures and removals, the latest 1000.
local function notice(id, kind, value)
  redis.call('XADD', NOTICES, 'MAXLEN', '~', 1000, '*', 'i', id, kind, value)
end
