-- Prelude of the verbs by which something from outside comes into the journal of a run that is not over.
--
-- Stands on: ready

-- Appends it, and makes a parked run ready, or tells the owner. A cancel ends a run that has not begun.
local function deliver(run, life, journal, record)
  redis.call('RPUSH', journal, record)
  if life.word == 'o' then mail_to(life.session, 'm' .. run) end
  if life.word == 'p' then
    take_out(run, life)
    make_ready(run, life, false)
  elseif life.expires ~= '-' and string.sub(record, 1, 1) == 'X' then
    end_unbegun(run, life)
  end
end
