-- Prelude of every verb of an index: its layout, its epoch, and its last sequence. The keys: see src/keys.ts.
--
-- META is a hash:
--   layout         of the keys and of what they hold
--   server, epoch  the server that answered last, and the span of its memory: "<its first sequence>-<the server, shortened>"
--   epochs         the latest epochs, with commas between, the newest last
--   seq            the last sequence: of two writes in an epoch, the later has the higher
--   purged         the highest sequence of a document of which nothing is kept any more
--   n              the sequence of the last change of the generations
--   live           the generation that is searched: its number is the sequence at which it began
--   building       the generation that is to be live next, or absent
--   mark, issuer   the token of the last builder, and who issued it
--   model:<g>      the name of the model that makes the vectors of a generation, and its definition as JSON behind a space
--   begun:<g>      of one that is not live, the sequence at which its building began last
--   through:<g>    "<epoch> <sequence>" up to where all documents had vectors of it
--   dropping       generations that are no more, with spaces between, of which vectors may be left
--
-- Stands on: redis/server
local LAYOUT, MOST_EPOCHS = 1, 16
local known = redis.call('HMGET', META, 'layout', 'server', 'epoch', 'epochs', 'seq')
if known[1] and tonumber(known[1]) > LAYOUT then return redis.error_reply('HOLDFASTLAYOUT ' .. known[1]) end
identify()
local epoch, seq = known[3], tonumber(known[5] or '0')

-- Sequences only rise, also where the clock is set back.
local function next_seq()
  seq = math.max(seq + 1, micros)
  return seq
end

local function text_of(number)
  return string.format('%.0f', number)
end

-- Another server answers, or the same with another memory: it may have forgotten writes. What it writes from now on has
-- sequences that no earlier epoch of its own had.
local epochs = {}
for each in string.gmatch(known[4] or '', '[^,]+') do epochs[#epochs + 1] = each end
if known[2] ~= SERVER then
  epoch = string.format('%.0f-%s%s', next_seq(), string.sub(SERVER, 1, 12), string.sub(SERVER, 42, 53))
  epochs[#epochs + 1] = epoch
  if #epochs > MOST_EPOCHS then table.remove(epochs, 1) end
  redis.call('HSET', META, 'layout', LAYOUT, 'server', SERVER, 'epoch', epoch, 'epochs', table.concat(epochs, ','), 'seq', text_of(seq))
end
