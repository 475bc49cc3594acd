-- Prelude of the verbs by which a lane writes: whether it still may, and how far it has taken in its source.
--
-- A mark is given by `open`, and is shown with each call. Whoever opens the lane later replaces it, so a mark that differs
-- is an earlier one. A lane with a source has a mark for each source partition, and one of its own beside them.
--
-- Stands on: record

-- Nothing if the lane may write, and the reply that refuses it otherwise. `lane` is "<generation>:<name>:"; `source` is a
-- source partition with `own` as its mark, or ''.
local function refused(generation, lane, mark, source, own)
  local function is_of_now(text) return string.match(text, '^%d+ %d+ %d+ (%S+)') == epoch end
  if not is_of_now(mark) or (source ~= '' and not is_of_now(own)) then return {'forgot', epoch} end
  local found = redis.call('HMGET', RECORD, 'retired:' .. generation, 'mark:' .. lane, 'mark:' .. lane .. source)
  if found[1] then return {'retired'} end
  if source == '' then own = mark end
  for index, text in ipairs({mark, own}) do
    local now = found[index + 1]
    if not now then return {'unopened'} end
    -- A lane that another has opened ends as a whole; a source partition is only in other hands.
    if now ~= text and index == 2 then return {'taken', now} end
    if now ~= text then return {'stale', now} end
  end
end

-- An offset is two numbers. Before anything has been taken in, it is "-1 0".
local function is_above(one, other)
  local high, low = string.match(one, '^(-?%d+) (%d+)$')
  local than, lower = string.match(other, '^(-?%d+) (%d+)$')
  if high ~= than then return tonumber(high) > tonumber(than) end
  return tonumber(low) > tonumber(lower)
end

-- Nothing if the rows that lead from `after` to `through` are those that come next, and the reply otherwise. Rows without a
-- source have no place in one, and `through` is ''. A lane has rows of one kind: otherwise its offsets would not say how much
-- another generation lacks of it.
local function misplaced(generation, lane, source, after, through)
  local found = redis.call('HMGET', RECORD, 'offset:' .. lane .. source, 'closed:' .. generation, 'kind:' .. lane)
  local taken = found[1] or '-1 0'
  if through ~= '' and found[3] == 'pushed' then return {'pushed'} end
  if through == '' and found[3] == 'followed' then return {'followed'} end
  if through == '' then return found[2] and {'closed', found[2]} end
  if not is_above(through, taken) then return {'repeated', taken} end
  if found[2] then return {'closed', found[2]} end
  if after ~= taken then return {'gap', taken} end
end
