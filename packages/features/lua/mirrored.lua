-- mirrored: what a partition was last told to be live.
--
-- Replies {'mirrored', number of the catalog's change, 0 for none, "<view> <generation>" of each view with commas between,
-- the store's id}
--
-- Stands on: record
local found = redis.call('HMGET', RECORD, 'n', 'pointers', 'id')
return {'mirrored', tonumber(found[1] or '0'), found[2] or '', found[3] or ''}
