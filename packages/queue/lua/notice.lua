-- Prelude of the verbs that publish notices to readers: progress, failures and removals, of which the latest are kept.
--
-- Stands on: stamp
local function notice(id, kind, value)
  publish(NOTICES, 'i', id, kind, value)
end
