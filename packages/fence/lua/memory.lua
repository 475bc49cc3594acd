-- Prelude of the guard's verbs: the check of the token under which they are called.
--
-- KEYS[1] the guard's record; KEYS[2] the mark of the resource
-- ARGV[1] the window in microseconds
-- ARGV[2] '1' when the store's persistence is declared synchronous
-- ARGV[3] the token; ARGV[4] its issuer
local guard_record, mark, claim = KEYS[1], KEYS[2], {unpack(ARGV, 1, 4)}
