-- delete: the same as put, for deletions where the server's memory is full: they give memory back.
--
-- ARGV and replies as those of put
--
-- Stands on: write
return verdicts
