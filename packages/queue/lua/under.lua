-- Prelude of the verbs that add tasks under a token: its check, in the same step.
--
-- then, for each call: KEYS behind those of the queue or its groups, the record of the queue's guard and the mark of the
-- resource, as redis/marks.lua has them
--
-- Stands on: redis/marks

-- The reply if nothing may be added under this claim. If it may, nothing may from now on under a lower token.
local function refused_under(claim)
  local guard_record, mark = KEYS[#KEYS - 1], KEYS[#KEYS]
  local why = refusal(guard_record, mark, claim)
  if why then return {'refused', unpack(why)} end
  raise(mark, claim)
end
