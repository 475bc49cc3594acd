-- Prelude of the verbs that publish notices to readers: progress, failures and removals, the latest 1000.
--
-- Stands on: stamp
local function notice(id, kind, value)
  publish(NOTICES, 1000, 'i', id, kind, value)
end
