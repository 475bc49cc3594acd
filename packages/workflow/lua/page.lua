-- page: a part of a journal, as anybody may read it.
--
-- then, for the run: KEYS its journal; ARGV[1] the first record
--
-- Replies {'page', record, ...} with 2000 records at the most
--
-- Stands on: part
return {'page', unpack(redis.call('LRANGE', KEYS[#KEYS], ARGV[1], ARGV[1] + 1999))}
