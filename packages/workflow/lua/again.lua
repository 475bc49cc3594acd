-- Prelude of the verb that begins a run anew: what becomes of the run then. Its journal is there.
--
-- Stands on: earlier, events, lines

-- A run that was over, or is made of a part of another, and then has not begun: `expires` as LIVE has it. It has its key while
-- it goes on; a child has none.
local function begin_again(run, expires)
  local life = {priority = '0', build = '0', expires = expires, since = 0}
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
    forget(run)
    begin_again(run, '-')
  end
  keep_earlier(run, before, old)
end
