-- put: add tasks that need a record.
--
-- then, for each operation: ARGV as putting.lua describes it
--
-- Replies {'put', word, id, ...}, as putting.lua describes them
--
-- Stands on: putting
return put_from(1)
