-- Prelude of the verbs that look at streams: one for each priority.
local function stream_of(priority)
  return READY[priority + 1]
end

-- The priorities in use, highest first. Those above 0 are noted when they are first used.
local function levels_of(noted)
  local levels = {}
  for level in string.gmatch(noted or '', '%d') do levels[#levels + 1] = tonumber(level) end
  levels[#levels + 1] = 0
  return levels
end
