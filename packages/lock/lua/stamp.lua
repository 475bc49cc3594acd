-- Prelude of the verbs whose vote depends on the time of this node, for clients that must know it.
--
-- Stands on: redis/time

-- A vote followed by that time, in microseconds.
local function stamped(vote)
  return string.format('%s@%.0f', vote, micros)
end
