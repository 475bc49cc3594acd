-- Prelude of the verbs that change which generation of a view is read. Of CATALOG it keeps, for each view,
--   generations:<view>  "<generation> <state>" of each, with commas between: filling, cutting, live, previous or retired
--   cutting:<view>      "<generation> <number of the change that began it> <by when, in microseconds> <state before> <views>": all
--                       views, with commas between, that are cut in the same step
--   before:<view>       "<generation> <number of the change>": what was read before the last cut, which that change ended
--   builder:<view>      "<token> <issuer>": who was the last to change it
--   due:<view>.<generation>  by when a generation is to be filled, in microseconds; afterwards, whoever begins another one ends it
--   definition:<view>.<generation>  what is applied once the generation is live
--
-- Stands on: catalog
local function read_generations(view)
  local all = {}
  for id, state in string.gmatch(redis.call('HGET', CATALOG, 'generations:' .. view) or '', '([^ ,]+) (%l+)') do
    all[#all + 1] = {id = id, state = state}
  end
  return all
end

local function state_of(all, id)
  for _, each in ipairs(all) do if each.id == id then return each.state end end
end

-- States by generation are changed, all at once.
local function set_states(view, all, states)
  local words = {}
  for _, each in ipairs(all) do
    each.state = states[each.id] or each.state
    words[#words + 1] = each.id .. ' ' .. each.state
  end
  redis.call('HSET', CATALOG, 'generations:' .. view, table.concat(words, ','), 'n', n)
end

-- Nothing if the holder of this token may change the view, and the reply otherwise, with the view last.
local function refused(view, token, issuer)
  if n == 0 then return {'unknown'} end
  if not is_ours then return {'forgot', n} end
  local known = redis.call('HGET', CATALOG, 'builder:' .. view)
  local has, by = string.match(known or '', '^(%d+) (.*)$')
  if has and by ~= issuer then return {'foreign', known, view} end
  if has and tonumber(token) < tonumber(has) then return {'stale', known, view} end
end

-- From now on no holder of a lower token changes the view.
local function mark(view, token, issuer)
  redis.call('HSET', CATALOG, 'builder:' .. view, token .. ' ' .. issuer)
end
