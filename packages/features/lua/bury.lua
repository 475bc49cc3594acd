-- bury: keep records of a source that cannot be read as dead letters, each once, and of all only the latest.
--
-- ARGV[1] view and generation  ARGV[2] lane  ARGV[3] its mark  ARGV[4] source partition  ARGV[5] its mark
-- ARGV[6] how many dead letters are kept
-- then, for each record, in their order: ARGV its offset, why it cannot be read, its value
-- KEYS the stream of the dead letters
--
-- Replies {'buried', how many of them were not buried before}. Or, asked in this order, {'forgot', epoch}, {'retired'},
-- {'unopened'}, {'stale', the mark that is there} or {'taken', the mark of the source partition}
--
-- Stands on: owner
local generation, name, mark, source, own, bound = unpack(ARGV, 1, 6)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, source, own)
if refusal then return refusal end
local buried, stream, count = redis.call('HGET', RECORD, 'buried:' .. lane .. source) or '-1 0', KEYS[#KEYS], 0
for index = 7, #ARGV, 3 do
  local offset, why, value = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  if is_above(offset, buried) then
    redis.call('XADD', stream, 'MAXLEN', bound, '*', 'generation', generation, 'lane', name, 'source', source, 'offset', offset,
      'error', why, 'value', value)
    buried, count = offset, count + 1
  end
end
if count > 0 then
  redis.call('HSET', RECORD, 'buried:' .. lane .. source, buried)
  redis.call('HINCRBY', RECORD, 'refused:' .. generation .. ':d', count)
end
return {'buried', count}
