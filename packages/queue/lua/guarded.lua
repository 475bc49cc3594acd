-- guarded: add tasks under a token, if that is not stale.
--
-- ARGV[1] to ARGV[4] the claim, as redis/marks.lua has it
-- then, for each task: ARGV as putting.lua describes it
--
-- Replies {'put', word, id, ...}, as putting.lua describes them; or {'refused', and a refusal of redis/marks.lua}: then nothing
-- is added
--
-- Stands on: putting, under
local refused = refused_under({unpack(ARGV, 1, 4)})
if refused then return refused end
return put_from(5)
