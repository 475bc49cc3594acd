-- Prelude of the verbs that end tasks, and of the one that renews sessions: deletes what is kept of tasks that have ended.
--
-- Stands on: litter

-- Deletes what else is kept of tasks that were forgotten, logs and fan-ins, unless the id is that of another one by now: it
-- lives, or has ended since.
local function forget_rest(ids)
  if not fanned and redis.call('EXISTS', LOGS) == 0 then return end
  local is_used = {}
  for _, hash in ipairs({TASKS, FANS, RESULTS, LETTERS, REASONS}) do
    for index, found in ipairs(redis.call('HMGET', hash, unpack(ids))) do is_used[index] = is_used[index] or found end
  end
  for index, id in ipairs(ids) do
    if not is_used[index] then
      redis.call('HDEL', LOGS, id)
      forget_fan(id)
    end
  end
end

local function delete_results(events)
  if #events == 0 then return end
  local ids, entries, gone = {}, {}, {}
  for index, event in ipairs(events) do ids[index], entries[index] = event[2][2], event[1] end
  for index, place in ipairs(redis.call('HMGET', RESULTS, unpack(ids))) do
    if place == entries[index] then gone[#gone + 1] = ids[index] end
  end
  redis.call('XDEL', EVENTS, unpack(entries))
  if #gone == 0 then return end
  redis.call('HDEL', RESULTS, unpack(gone))
  forget_rest(gone)
end

local function delete_ended(set, hash, ids)
  if #ids == 0 then return end
  redis.call('ZREM', set, unpack(ids))
  redis.call('HDEL', hash, unpack(ids))
  forget_rest(ids)
end
