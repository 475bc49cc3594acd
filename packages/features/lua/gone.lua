-- gone: of generations that have ended, those of which nothing is left here: no row, no lane, and no entry in the log.
--
-- then, for each: ARGV view and generation
--
-- Replies {'gone', for each 1 or 0}: 0 also where the log has more entries of before its end than are looked at
--
-- Stands on: record
local MOST = 10
local kept, reply = {}, {'gone'}
for _, field in ipairs(redis.call('HKEYS', RECORD)) do
  local what, generation = string.match(field, '^(%l+):([^:]+)')
  if what and what ~= 'retired' then kept[generation] = true end
end
local function is_logged(generation, through)
  local last = string.format('%.0f-%.0f', math.floor(through / 1000), through % 1000)
  local entries = redis.call('XRANGE', LOG, '-', last, 'COUNT', MOST + 1)
  for _, entry in ipairs(entries) do
    for place = 1, #entry[2], 2 do
      if string.find(entry[2][place], ':' .. generation .. ':', 1, true) then return true end
    end
  end
  return #entries > MOST
end
for _, generation in ipairs(ARGV) do
  local through = tonumber(string.match(redis.call('HGET', RECORD, 'retired:' .. generation) or '', '^%d+ (%d+)$'))
  local is_gone = through and not kept[generation] and not is_logged(generation, through)
  reply[#reply + 1] = is_gone and 1 or 0
end
return reply
