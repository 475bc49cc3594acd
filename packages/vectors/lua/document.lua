-- Prelude of the verbs that write documents: the 64 bytes with which each begins. See src/truth/record.ts.
--
-- u8 layout, u8 1 for a deletion, u16 0, u32 length of the body, f64 event time in ms, f64 token, f64 sequence, f64 expiry in ms,
-- 8 bytes that name the token's issuer, 16 bytes that name what the vectors are made of; little-endian.
--
-- Stands on: meta
local HEAD, HEAD_BYTES, MOST = '<BBHI4ddddc8c16', 64, 9007199254740992

local function read_head(key)
  local head = redis.call('GETRANGE', key, 0, HEAD_BYTES - 1)
  if #head < HEAD_BYTES then return nil end
  local _, deletion, _, _, time, token, sequence, expiry, issuer, digest = struct.unpack(HEAD, head)
  local read = {is_deletion = deletion == 1, time = time, token = token, sequence = sequence, expiry = expiry, issuer = issuer, digest = digest}
  return read
end

local function head_bytes(head, length)
  return struct.pack(HEAD, 1, head.is_deletion and 1 or 0, 0, length, head.time, head.token, head.sequence, head.expiry, head.issuer, head.digest)
end

-- Whether a text is a whole number that a double holds.
local function is_whole(text)
  return #text <= 16 and string.find(text, '^%d+$') ~= nil and tonumber(text) < MOST
end
