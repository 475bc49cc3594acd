-- land: store rows of a lane, each if it is newer than the one that is there.
--
-- ARGV[1] view and generation  ARGV[2] lane  ARGV[3] its mark  ARGV[4] source partition or ''  ARGV[5] its mark
-- ARGV[6] the offset after which the rows come  ARGV[7] the offset through which they go, or '' if they have no source
-- ARGV[8] how far an event time may be in the future, in microseconds  ARGV[9] 1 if the rows are logged
-- ARGV[10] the names of the parts of an id, with spaces between  ARGV[11] how many rows there are
-- ARGV[12] how many bytes each row has, or 0 if they differ  ARGV[13] the rows; if they differ, four bytes with its size before each
-- then, for each row: KEYS its key
--
-- Replies {'landed', a letter a row, '<epoch> <place in the log>'}: a accepted, s this very row was there, o older, e equal, x
-- it is about an erased entity, f it says something that cannot be, such as an event time in the future. Or, asked in this order, {'forgot', epoch}, {'retired'}, {'unopened'} or
-- {'stale', the mark that is there}, {'taken', the mark of the source partition}, {'pushed'} or {'followed'} if the lane has rows
-- of the other kind, {'repeated', offset}, {'closed', number of the change}, {'gap', offset}
--
-- Stands on: owner, rows, erased
local generation, name, mark, source, own, after, through, ahead, history, parts, count, same, packed = unpack(ARGV, 1, 13)
local lane = generation .. ':' .. name .. ':'
local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)
if refusal then return refusal end

count, same = tonumber(count), tonumber(same)
local first, latest, token = #KEYS - count, micros + ahead, tonumber(string.match(source == '' and mark or own, '^%d+'))
local olds = count > 0 and redis.call('MGET', unpack(KEYS, first + 1)) or {}
local erased = find_erased(KEYS, first, generation, parts)
local verdicts, fresh, write, added, sum, newest, refusals = {}, {}, {}, 0, 0, 0, {}
local head_of, from, written = struct.unpack, 1, 0
for index = 1, count do
  local key, size, verdict = KEYS[first + index], same, 'a'
  if size == 0 then size, from = head_of('<I4', packed, from) end
  local layout, _, _, check, time, holder, sequence = head_of(HEAD, packed, from)
  local row, old = string.sub(packed, from, from + size - 1), fresh[key] or olds[index]
  from = from + size
  if layout ~= 1 or holder ~= token or not (time >= 0 and time % 1 == 0) or time > latest or not is_whole(sequence) then verdict = 'f'
  elseif erased[index] then verdict = 'x'
  elseif old then
    local check_before, before = head_of(CHECK_AND_TIME, old, 5)
    if time < before then verdict = 'o'
    elseif time == before then verdict = tie_of(row, old) end
    if verdict == 'a' then sum = sum - check_before end
  else added = added + 1 end
  verdicts[index] = verdict
  if verdict == 'a' then
    sum, fresh[key] = sum + check, row
    if time > newest then newest = time end
    write[written + 1], write[written + 2], written = key, row, written + 2
  elseif verdict ~= 's' then refusals[verdict] = (refusals[verdict] or 0) + 1 end
end

if written > 0 then
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
