-- place: where a reader of events is.
--
-- ARGV[1] the id of the last event that it has read, or '' for the last that there is
--
-- Replies {'kept' or 'trimmed' (what followed it may be gone), its id}
--
-- Stands on: part
local id = ARGV[1]
if id == '' then
  local last = redis.call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
  return {'kept', last and last[1] or '0-0'}
end
if id == '0-0' or redis.call('XRANGE', EVENTS, id, id)[1] then return {'kept', id} end
return {'trimmed', id}
