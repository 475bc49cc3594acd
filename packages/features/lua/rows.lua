-- Prelude of the verbs that write rows: which of two rows wins.
--
-- A row begins with 40 bytes: u8 layout, u8 rank of the lane, u16 schema, u32 checksum, f64 event time in microseconds, f64
-- token, f64 sequence, u16 source partition, u16 turn, u32 second part of the sequence; all little-endian.
local HEAD, CHECK_AND_TIME, TAIL, FIRST_OF_TAIL = '<BBHI4ddd', '<I4d', '<HHI4', 33
local MOST = 9007199254740992

local function is_whole(number)
  return number >= 0 and number < MOST and number % 1 == 0
end

-- The verdict on a row with the event time of the one that is there. The higher rank wins; of one source partition, the
-- higher turn, token and sequence; of two, the one that arrives later. `s` is the same row, which a repeated call brings.
local function tie_of(row, old)
  local _, rank, _, check, _, token, sequence = struct.unpack(HEAD, row)
  local _, old_rank, _, old_check, _, old_token, old_sequence = struct.unpack(HEAD, old)
  if rank ~= old_rank then return rank > old_rank and 'a' or 'e' end
  local source, turn, second = struct.unpack(TAIL, row, FIRST_OF_TAIL)
  local old_source, old_turn, old_second = struct.unpack(TAIL, old, FIRST_OF_TAIL)
  if source ~= old_source then return 'a' end
  if turn ~= old_turn then return turn > old_turn and 'a' or 'e' end
  if token ~= old_token then return token > old_token and 'a' or 'e' end
  if sequence ~= old_sequence then return sequence > old_sequence and 'a' or 'e' end
  if second ~= old_second then return second > old_second and 'a' or 'e' end
  return check == old_check and 's' or 'e'
end
