-- page: a part of a journal, as anybody may read it.
--
-- ARGV[1] the first record
-- then, for each run, of which there is one: KEYS its journal
--
-- Replies {'page', record, ...} with 2000 records at the most
--
-- Stands on: part
return {'page', unpack(redis.call('LRANGE', KEYS[#KEYS], ARGV[1], ARGV[1] + 1999))}
