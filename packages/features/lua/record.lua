-- Prelude of every verb of a partition: its layout, its epoch, and the place in its log. The keys: see src/keys.ts.
--
-- RECORD is a hash:
--   layout              of the keys, the rows and the log
--   server, epoch       the server that answered last, and the span of its memory: "<count>.<its name, shortened, and when it began>"
--   mark:<lane>         who writes a lane: "<token> <turn> <instance> <epoch> <issuer>"
--   offset:<lane>       how far the lane has taken in its source: two numbers
--   buried:<lane>       the offset of the last record of the source that became a dead letter
--   source:<lane>       the name of the source partition: the key of a stream, a partition of a topic
--   kind:<lane>         of the lane as a whole: "followed" if its rows come from a source, "pushed" if they do not
--   rows:<generation>   how many rows a generation of a view has here
--   sum:<generation>    the sum of their checksums, modulo 2^32
--   newest:<generation> the latest event time that was accepted, in microseconds; for windows the beginning of the latest tile
--   closed:<generation> the number of the catalog's change for which it takes no more rows
--   retired:<generation>  "<n> <place>": the change after which it takes no rows, and the last entry of the log then
--   alive:<view>        "<n> <generation> ...": the highest number that a generation has had, and those that have not ended
--   finished:<lane>, refused:<generation>:<letter>
--   epochs              the latest epochs, "<epoch> <place of its first entry>" with commas between
--   claimed             until when whoever exports the log has it, in microseconds
--   exporter, trimmed   "<token> <issuer>" of who exports the log, and "<epoch> <place>" of the last entry that was trimmed
--   eraser, erased      "<token> <issuer>" of who erased last, and how many entities are erased here: FORGOTTEN has them
--   id                  of the store: no other has it
--   n, catalog          the catalog's last change that is known here, and what it knew then, as JSON
-- <generation> is "<view>.<generation>", and <lane> is "<generation>:<lane>:<source partition>".
--
-- Stands on: redis/server
local LAYOUT = 1
local known = redis.call('HMGET', RECORD, 'layout', 'server', 'epoch')
if known[1] and tonumber(known[1]) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. known[1]) end
identify()

-- The log's last place, in microseconds. Places only rise, also where the clock is set back.
local at = tonumber(string.match(redis.call('GET', AT) or '', '%d+$') or '0')
local epoch = known[3]

-- Adds an entry to the log, at the next place. It is the first write of a verb: the server may refuse it.
local function log(...)
  local place = math.max(micros, at + 1)
  local id = string.format('%.0f-%.0f', math.floor(place / 1000), place % 1000)
  -- The time is told where the place is not it.
  if place > micros then redis.call('XADD', LOG, id, 'time', string.format('%.0f', micros), ...)
  else redis.call('XADD', LOG, id, ...) end
  at = place
  redis.call('SET', AT, string.format('%s %.0f', epoch, at))
end

-- Another server answers, or the same with another memory: it may have forgotten marks, offsets and rows. No two spans have one
-- name, also where a server is emptied that goes on.
if known[2] ~= SERVER then
  local count = tonumber(string.match(epoch or '0', '^%d+')) + 1
  local from = at
  epoch = string.format('%d.%s%s%.0f', count, string.sub(SERVER, 1, 8), string.sub(SERVER, 42, 49), micros)
  log('reset', string.format('%s %.0f %s', epoch, from, known[3] or ''))
  local earlier = string.match(redis.call('HGET', RECORD, 'epochs') or '', '[^,]*,?[^,]*,?[^,]*,?[^,]*,?[^,]*,?[^,]*,?[^,]*$')
  local epochs = string.format('%s%s%s %.0f', earlier, earlier == '' and '' or ',', epoch, at)
  redis.call('HSET', RECORD, 'layout', LAYOUT, 'server', SERVER, 'epoch', epoch, 'epochs', epochs)
end
