-- Prelude of the verbs that put tasks which need a record: with an id or a key of their own, delayed, deduplicated, or under a
-- token.
--
-- then, for each operation: ARGV id, priority, key or '', delay in ms, body, deduplication key or '', for how many ms, 0 for no
-- limit, 'first' or 'last': which of several that are the same is handled, or 'begun' or 'ended': the first, until it has; in
-- how many ms it expires, or ''
--
-- Stands on: known, same, litter, room
-- Puts a task into the queue in use, unless it is the same as another: then returns the id of that one.
local function put(arg)
  local id, priority, key, delay, body, same, window, keep, expires = unpack(ARGV, arg, arg + 8)
  body = with_times(body, expires)
  local other = same_as(id, same, body, window, keep)
  if other then return other end
  enlist(id, priority .. ' 0 ' .. key .. '\n' .. body, keep == 'last' and window or delay)
  forget_fan(id)
end

-- Whether each of the queues has a task that is the same: there it takes no room.
local function is_same(arg)
  for queue = 1, queues do
    use(queue - 1)
    if not twin_of(ARGV[arg], ARGV[arg + 5], ARGV[arg + 7]) then return false end
  end
  return true
end

-- Puts the tasks from ARGV[first] on. Returns {'put', word, id, ...}: added, or same for a task that is there already, or
-- full, with the limit. If there are several queues, it is added to each of them that has none that is the same, or to none
-- if one is full.
local function put_from(first)
  local reply = {'put'}
  for arg = first, #ARGV, 9 do
    local limit = reached()
    local word, id = 'full', limit
    if not limit or is_same(arg) then
      word = 'same'
      for queue = 1, queues do
        use(queue - 1)
        local other = put(arg)
        if other then id = other else word = 'added' end
      end
    end
    if word == 'added' then id = ARGV[arg] end
    reply[#reply + 1] = word
    reply[#reply + 1] = id
  end
  return reply
end
