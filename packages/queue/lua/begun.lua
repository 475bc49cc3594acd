-- Prelude of the verb that claims: publishes what it has delivered.
--
-- Stands on: entries, stamp
-- Publishes that the tasks of this call have begun.
local function tell_begun(session)
  for index = 1, #claims, 2 do
    for _, one in ipairs(claims[index + 1]) do
      local entry, fields = one[1], one[2]
      local plain = claims[index] == 0 and entry or entry .. ':' .. claims[index]
      move(fields[1] == 'i' and fields[2] or plain, 'b', session)
    end
  end
end
