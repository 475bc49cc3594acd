-- tell: note how far lanes have taken in their sources where nothing of it was for this partition.
--
-- then, for each source partition: ARGV view and generation, lane, its mark, source partition, its mark, the offset after
-- which there was nothing, the offset through which there was nothing
--
-- Replies {'told', for each a verdict}: told, or the word of the refusal as `land` has it, with its argument behind a space
--
-- Stands on: owner
local reply = {'told'}
for index = 1, #ARGV, 7 do
  local generation, name, mark, source, own, after, through = unpack(ARGV, index, index + 6)
  local lane = generation .. ':' .. name .. ':'
  local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)
  if not refusal then redis.call('HSET', RECORD, 'offset:' .. lane .. source, through, 'kind:' .. lane, 'followed') end
  reply[#reply + 1] = refusal and table.concat(refusal, ' ') or 'told'
end
return reply
