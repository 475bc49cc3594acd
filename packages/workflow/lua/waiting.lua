-- Prelude of the verb that claims: which runs wait.
--
-- Stands on: places

-- The first that wait in a lane of WORK, as far as a worker of this build may have them: of higher priority first. `fresh`:
-- the most of them that have not begun.
local function waiting(lane, build, most, fresh)
  local found, lanes = {}, 0
  local function read(from, to, count)
    local page = count > 0 and redis.call('ZRANGEBYLEX', WORK, from, to, 'LIMIT', 0, count) or {}
    local own, taken = page[1] and string.match(page[1], '^r %S+ (%S+)'), 0
    while page[taken + 1] and string.match(page[taken + 1], '^r %S+ (%S+)') == own do
      taken = taken + 1
      found[#found + 1] = page[taken]
    end
    if taken > 0 then lanes = lanes + 1 end
    return own, #page == count or taken < #page
  end
  local start = 'r ' .. lane .. ' '
  read('[' .. start .. '- ', '(' .. start .. '-!', fresh)
  local number, pinned = string.match(build, '^(%d+)(=?)$')
  local from, more = '[' .. start .. '0', most > 0
  while more do
    local own
    own, more = read(from, '(' .. start .. lane_of(number) .. '!', most)
    from = own and '(' .. start .. own .. '!'
    more = more and own
  end
  if pinned == '=' then read('[' .. start .. lane_of(build) .. ' ', '(' .. start .. lane_of(build) .. '!', most) end
  if lanes > 1 then
    table.sort(found, function(one, other)
      return string.match(one, '^r %S+ %S+ (.*)$') < string.match(other, '^r %S+ %S+ (.*)$')
    end)
  end
  local first = {unpack(found, 1, math.min(#found, most))}
  return first
end

-- The session is woken when there is more for it.
local function fall_asleep(workflow, build, session)
  redis.call('ZADD', SLEEPERS, 0, workflow .. ' ' .. lane_of(string.match(build, '^%d+')) .. ' ' .. session)
  if string.sub(build, -1) == '=' then
    redis.call('ZADD', SLEEPERS, 0, workflow .. ' ' .. lane_of(build) .. ' ' .. session)
  end
end
