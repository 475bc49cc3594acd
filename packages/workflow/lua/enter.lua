-- Prelude of the verb that starts: where a new run goes.
--
-- Stands on: lines

-- A run that is new: its place is found. `owns`, if it is given, is asked whether it is owned at once, and gives the word for
-- that. Replies 'ready', 'delayed' or 'line' otherwise.
local function enter(run, terms, owns)
  local life = {priority = terms.priority, build = '0', expires = terms.expires, since = stamp()}
  local delay, expires = tonumber(terms.delay), tonumber(terms.expires)
  tally(run, 'u', 1)
  if delay > 0 then
    keep(run, terms.keyed and 'k' or 'd', life)
    tally(run, 'd', 1)
    redis.call('ZADD', DUE, expires > 0 and math.min(expires, millis + delay) or millis + delay, run)
    return 'delayed'
  end
  if expires > 0 then redis.call('ZADD', DUE, expires, run) end
  if not takes_key(run, terms.keyed) then
    join_line(run, life)
    return 'line'
  end
  local word = owns and owns(run, life)
  if word then return word end
  make_ready(run, life, false)
  return 'ready'
end
