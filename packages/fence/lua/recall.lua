-- recall: read a record, the newest first.
--
-- KEYS[1] the record
-- ARGV[1] how many entries at most
--
-- Replies a list of {id, {field, value, ...}}
return redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])
