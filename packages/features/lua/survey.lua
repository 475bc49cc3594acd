-- survey: how many rows a generation has, and how far its lanes are.
--
-- ARGV[1] view and generation
--
-- Replies {'surveyed', epoch, rows, place of the log's last entry, then of each lane "<what> <lane>:<source partition>" and its value}
--
-- Stands on: lanes
return tell_lanes({'surveyed', epoch, redis.call('HGET', RECORD, 'rows:' .. ARGV[1]) or '0', string.format('%.0f', at)}, ARGV[1])
