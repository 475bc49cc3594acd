-- enter: register the rank of a lane. Lanes of one view have different ranks, so that rows with the same event time have an
-- order.
--
-- ARGV[1] view  ARGV[2] lane  ARGV[3] rank
--
-- Replies {'entered'}; {'ranked', rank} if the lane has another one; {'taken', the lane of the view that has this rank}; as
-- `pointers`, {'unknown'} or {'forgot', number of the last change}
--
-- Stands on: catalog
local view, lane, rank = unpack(ARGV)
if n == 0 then return {'unknown'} end
if not is_ours then return {'forgot', n} end
local by_lane, by_rank = 'rank:' .. view .. ':' .. lane, 'lane:' .. view .. ':' .. rank
local found = redis.call('HMGET', CATALOG, by_lane, by_rank)
-- A user who may not write rows lacks the right for this command: it opens no lane, whose first call would be refused half-way.
if redis.call('HSTRLEN', CATALOG, by_lane) > 0 and found[1] ~= rank then return {'ranked', found[1]} end
if found[2] and found[2] ~= lane then return {'taken', found[2]} end
if not found[1] then redis.call('HSET', CATALOG, by_lane, rank, by_rank, lane) end
return {'entered'}
