-- Prelude of the verbs that add tasks under ids: whether an id is in use.
--
-- Stands on: queue
local function is_alive(id)
  return redis.call('HEXISTS', TASKS, id) == 1 or redis.call('HEXISTS', FANS, id) == 1
end
