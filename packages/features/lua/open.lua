-- open: take a lane of a generation, or one of its source partitions; from now on, no earlier holder writes to it here.
--
-- ARGV[1] view and generation  ARGV[2] lane  ARGV[3] source partition or ''  ARGV[4] token, or '' to join a lane that several
-- processes share  ARGV[5] its issuer  ARGV[6] the epoch after which the holder has renewed its right, or ''  ARGV[7] the mark
-- that a holder of another issuer has seen and takes over, or ''  ARGV[8] the name of the source partition, or ''
-- ARGV[9] '1' if the holder cannot renew its right, and has not had the lane here before
--
-- Replies {'opened', mark, offset}. Or, asked in this order, {'forgot', epoch}: an earlier mark may have been forgotten, so
-- the holder must renew its right; {'retired'}; {'foreign', the mark of another issuer}; {'stale', the mark that is there};
-- {'other', the name of the source partition that is followed}; {'pushed'} if rows without a source were landed in the lane;
-- {'closed', number of the change}
--
-- Who joins a lane leaves its mark as it is: each source partition has a holder of its own, who is checked.
--
-- Stands on: record
local generation, name, source, token, issuer, renewed, seen, from, is_new = unpack(ARGV)
local whole, is_joining = generation .. ':' .. name .. ':', token == ''
local lane = whole .. source
local found = redis.call('HMGET', RECORD, 'mark:' .. lane, 'retired:' .. generation, 'closed:' .. generation, 'offset:' .. lane,
  'source:' .. lane, 'kind:' .. whole, 'alive:' .. string.match(generation, '^[^.]+'))
local mark = found[1]
local has, turn, instance, since, by = string.match(mark or '', '^(%d+) (%d+) (%d+) (%S+) (.*)$')
-- A server that has forgotten everything begins with the first epoch again. Only a holder that cannot renew its right, and has
-- not had the lane here before, is taken at its word there.
local is_known = since == epoch or (not mark and string.find(epoch, '^1%.') ~= nil and is_new == '1')
if not is_joining then
  if not is_known and renewed ~= epoch then return {'forgot', epoch} end
end
-- One that ended long ago is not noted: it is not among those that are alive, and others were begun since.
local last, alive = string.match(found[7] or '', '^(%d+)(.*)$')
local id = string.match(generation, '%.(.+)$')
local is_past = last and tonumber(string.match(id, '^%d+')) <= tonumber(last) and not string.find(alive .. ' ', ' ' .. id .. ' ', 1, true)
if found[2] or is_past then return {'retired'} end
if not is_joining and mark then
  if by ~= '' and by ~= issuer then
    if seen ~= mark then return {'foreign', mark} end
    turn = turn + 1
  elseif tonumber(token) < tonumber(has) then return {'stale', mark} end
end
if source ~= '' then
  if found[5] and found[5] ~= from then return {'other', found[5]} end
  if found[6] == 'pushed' then return {'pushed'} end
end
if found[3] then return {'closed', found[3]} end
if is_joining and since == epoch then return {'opened', mark, found[4] or '-1 0'} end
if is_joining then token, issuer = has or '0', by or '' end
mark = string.format('%s %d %d %s %s', token, turn or 0, (instance or 0) + 1, epoch, issuer)
redis.call('HSET', RECORD, 'mark:' .. lane, mark)
-- So that it is there whenever rows are landed: a call that names a key which is not there has to wait while the slot moves.
redis.call('SADD', FORGOTTEN, '')
if source ~= '' then redis.call('HSET', RECORD, 'source:' .. lane, from)
else redis.call('HDEL', RECORD, 'finished:' .. lane) end
return {'opened', mark, found[4] or '-1 0'}
