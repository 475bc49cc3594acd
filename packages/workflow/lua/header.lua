-- Prelude of the verbs that begin journals: what is first in them.
--
-- Stands on: part, redis/time

-- The header of a run that is started now says when; that of one that goes over another journal has it already.
local function stamped(header)
  local text = string.gsub(header, '^H %-', 'H ' .. string.format('%.0f', millis))
  return text
end
