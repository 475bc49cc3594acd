-- release: end the window of a deduplication key, so that another task may be added under it.
--
-- ARGV[1] the key
--
-- Replies {'released'}, or {'unknown'} when the key has no window
--
-- Stands on: windows
local ends = redis.call('ZSCORE', DEDUP, ARGV[1])
end_window(ARGV[1])
return ends and tonumber(ends) > now and {'released'} or {'unknown'}
