-- Prelude of the verbs that tell what waits for a worker that there is not.
--
-- SERVED has, by session, what its worker has: "<workflow> <build>" one after the other, with spaces between.
--
-- Stands on: redis/time

-- The highest build of a workflow that workers have now, -1 for none; and all of them, with "=" behind those that are pinned.
local function builds_of(workflow)
  local highest, builds, kept = -1, {}, redis.call('HGETALL', SERVED)
  for index = 1, #kept, 2 do
    if tonumber(redis.call('ZSCORE', SESSIONS, kept[index]) or 0) > millis then
      for name, build in string.gmatch(kept[index + 1], '(%S+) (%S+)') do
        if name == workflow then
          highest = math.max(highest, tonumber(string.match(build, '^%d+')))
          builds[build] = true
        end
      end
    end
  end
  return highest, builds
end

local function is_served(build, highest, builds)
  return builds[build] or (string.sub(build, -1) ~= '=' and tonumber(build) <= highest)
end

-- Of the lane of WORK in which it waits.
local function build_of(lane)
  local pinned, number = string.match(lane, '^(=?)0*(%d+)$')
  return (number or '0') .. (pinned == '=' and '=' or '')
end

-- How many runs of a workflow wait, from an end of its range on, that no worker may have; and the first build of those.
local function unserved(workflow, from)
  local count, first, highest, builds = 0, nil, nil, nil
  for _ = 1, 100 do
    local entry = redis.call('ZRANGEBYLEX', WORK, from, '(r ' .. workflow .. '"', 'LIMIT', 0, 1)[1]
    if not entry then break end
    if not highest then highest, builds = builds_of(workflow) end
    local head, lane = string.match(entry, '^(r %S+ (%S+))')
    if not is_served(build_of(lane), highest, builds) then
      count = count + redis.call('ZLEXCOUNT', WORK, '[' .. head .. ' ', '(' .. head .. '!')
      first = first or build_of(lane)
    end
    from = '(' .. head .. '!'
  end
  return count, first
end
