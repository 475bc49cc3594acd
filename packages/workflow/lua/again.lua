-- Prelude of the verb that begins a run anew: what becomes of the run then. Its journal is there.
--
-- Stands on: earlier, events, generations, lines

-- The priority and the build of a run, whether it is over or not.
local function terms_of(run, life)
  local priority, build = string.match(redis.call('HGET', OVER, run) or '', '^%d+ %a+ (%d) (%S+)$')
  if life then priority, build = life.priority, life.build end
  local terms = {priority = priority or '0', build = build and build ~= 'e' and build or '0'}
  return terms
end

-- A run that was over, or is made of a part of another, and then has not begun: `expires` as LIVE has it. It has its key while
-- it goes on; a child has none.
local function begin_again(run, terms, expires)
  local life = {priority = terms.priority, build = terms.build, expires = expires, since = 0}
  happened(run, 'started')
  if takes_key(run, not string.find(run, '/~[^/]*$')) then make_ready(run, life, false) else join_line(run, life) end
end

-- Another generation of a run: what `old`, the one before, has is kept for so many ms.
local function replace(run, old, life, retain)
  local source, before = BASE .. 'j:' .. run .. '.' .. old, redis.call('HGET', EARLIER, run)
  if redis.call('PTTL', source) < 0 then
    redis.call('PEXPIRE', source, retain)
    expire_streams(run, source, retain)
  end
  if life then -- one that goes on stays the child of its parent
    take_out(run, life)
    make_ready(run, life, false)
  else
    local terms = terms_of(run)
    forget(run)
    begin_again(run, terms, '-')
  end
  keep_earlier(run, before, old)
end
