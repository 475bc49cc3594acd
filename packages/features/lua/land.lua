-- land: store rows of a lane, each if it is newer than the one that is there.
--
-- ARGV[1] view and generation  ARGV[2] lane  ARGV[3] its mark  ARGV[4] source partition or ''  ARGV[5] its mark
-- ARGV[6] the offset after which the rows come  ARGV[7] the offset through which they go, or '' if they have no source
-- ARGV[8] how far an event time may be in the future, in microseconds  ARGV[9] 1 if the rows are logged
-- ARGV[10] the names of the parts of an id, with spaces between
-- then, for each row: KEYS its key; ARGV the row
--
-- Replies {'landed', a letter a row, '<epoch> <place in the log>'}: a accepted, s this very row was there, o older, e equal, x
-- it is about an erased entity, f it says something that cannot be, such as an event time in the future. Or, asked in this order, {'forgot', epoch}, {'retired'}, {'unopened'} or
-- {'stale', the mark that is there}, {'taken', the mark of the source partition}, {'pushed'} or {'followed'} if the lane has rows
-- of the other kind, {'repeated', offset}, {'closed', number of the change}, {'gap', offset}
--
-- Stands on: owner, rows, erased
local generation, name, mark, source, own, after, through, ahead, history, parts = unpack(ARGV, 1, 10)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)
if refusal then return refusal end

local FIRST, count = 10, #ARGV - 10
local first, latest, token = #KEYS - count, micros + ahead, tonumber(string.match(source == '' and mark or own, '^%d+'))
local olds = count > 0 and redis.call('MGET', unpack(KEYS, first + 1)) or {}
local erased = find_erased(KEYS, first, generation, parts)
local verdicts, fresh, write, added, sum, newest, refusals = {}, {}, {}, 0, 0, 0, {}
for index = 1, count do
  local key, row, verdict = KEYS[first + index], ARGV[FIRST + index], 'a'
  local old = fresh[key] or olds[index]
  local layout, rank, _, check, time, holder, sequence = struct.unpack(HEAD, row)
  if layout ~= 1 or holder ~= token or not is_whole(time) or time > latest or not is_whole(sequence) then verdict = 'f'
  elseif erased[index] then verdict = 'x'
  elseif old then
    local _, rank_before, _, check_before, before = struct.unpack(HEAD, old)
    if time < before then verdict = 'o'
    elseif time == before then verdict = tie_of(row, old, rank, rank_before) end
    if verdict == 'a' then sum = sum - check_before end
  else added = added + 1 end
  verdicts[index] = verdict
  if verdict == 'a' then
    sum, newest, fresh[key] = sum + check, math.max(newest, time), row
    write[#write + 1], write[#write + 2] = key, row
  elseif verdict ~= 's' then refusals[verdict] = (refusals[verdict] or 0) + 1 end
end

if #write > 0 then
  if history == '1' then log(unpack(write)) end
  redis.call('MSET', unpack(write))
  local counted = redis.call('HMGET', RECORD, 'rows:' .. generation, 'sum:' .. generation, 'newest:' .. generation)
  newest = math.max(newest, tonumber(counted[3] or '0'))
  local total = (tonumber(counted[2] or '0') + sum) % 4294967296
  redis.call('HSET', RECORD, 'rows:' .. generation, (counted[1] or 0) + added, 'sum:' .. generation, string.format('%.0f', total), 'newest:' .. generation, string.format('%.0f', newest))
  if through == '' then redis.call('HSET', RECORD, 'kind:' .. lane, 'pushed') end
end
for verdict, number in pairs(refusals) do redis.call('HINCRBY', RECORD, 'refused:' .. generation .. ':' .. verdict, number) end
if through ~= '' then redis.call('HSET', RECORD, 'offset:' .. lane .. source, through, 'kind:' .. lane, 'followed') end
return {'landed', table.concat(verdicts), string.format('%s %.0f', epoch, at)}
