-- finish: note that a lane has landed all that it will ever have.
--
-- ARGV[1] view and generation  ARGV[2] lane  ARGV[3] its mark
--
-- Replies {'finished', '<epoch> <place in the log>'}. Or, asked in this order, {'forgot', epoch}, {'retired'}, {'unopened'} or
-- {'stale', the mark that is there}, {'closed', number of the change}
--
-- Stands on: owner
local generation, name, mark = unpack(ARGV)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, '', '')
if refusal then return refusal end
local closed = redis.call('HGET', RECORD, 'closed:' .. generation)
if closed then return {'closed', closed} end
local place = string.format('%s %.0f', epoch, at)
redis.call('HSET', RECORD, 'finished:' .. lane, place .. ' ' .. mark)
return {'finished', place}
