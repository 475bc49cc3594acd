-- Prelude of the verbs that issue fencing tokens, or must know whether the server may have forgotten some.
--
-- Of META, a hash, it keeps the fields
--   server     the server that answered last
--   epoch      its first token, which names it
--   token      the last token
--   confirmed  the epoch that replicas are known to have
--   ceiling    with replicas, "<written> <confirmed> <count>": no token is above what so many replicas are known to have
-- An epoch ends when the server is another one, or the same with an older memory: it may have forgotten tokens,
-- deliveries and ends that it had acknowledged. Tokens are times in microseconds; those of an epoch begin above all
-- that can have been issued before.
--
-- Names keys: META
--
-- Stands on: server
identify()
local WINDOW = 5000000 -- microseconds by which the clocks of servers that follow one another may differ
local SOON = 1000 -- ms after which a ceiling may have been raised
local AHEAD = 1000000 -- more than the tokens that any server issues until its clock has come to the first of its epoch

local written, confirmed, replicas

-- The epoch, and its last token. `meta` is META's server, epoch and token, and its ceiling, if tokens are kept below one.
local function epoch_of(meta)
  local server, epoch, last = meta[1], meta[2], meta[3]
  written, confirmed, replicas = string.match(meta[4] or '', '^(%d+) (%d+) (%d+)$')
  if server == SERVER then return epoch, last end
  -- Whatever an earlier server has issued was below a ceiling that this one knows, however their clocks differ.
  local first = math.max(micros + WINDOW - 1, tonumber(last or 0) + AHEAD, tonumber(written or 0) + 1)
  first = string.format('%.0f', first)
  redis.call('HSET', META, 'server', SERVER, 'epoch', first, 'token', first)
  return first, first
end

-- How many may be issued from this one on, of so many that are wanted.
local function tokens_from(token, want)
  return confirmed and math.min(want, tonumber(confirmed) - token + 1) or want
end

-- Whether tokens will soon come to their ceiling.
local function ceiling_is_low(token)
  return confirmed and tonumber(confirmed) - token < WINDOW / 2
end

-- A fencing token, higher than the last one and than `seen`, which the caller knows of; and for how many ms it may not
-- be issued yet. Below a ceiling that replicas have, clocks do not matter. Without one, no token more than a window above
-- the time is issued, so a server that forgets everything begins above all of them. The next server, if it does not know
-- this epoch, begins a window above its own time, which may be a window behind: so until a replica has confirmed that it
-- knows the epoch, no token is issued before its time has come.
local function next_token(last, seen, is_confirmed)
  local token = math.max(micros, tonumber(last) + 1, tonumber(seen) + 1)
  if confirmed then return token, token > tonumber(confirmed) and SOON or 0 end
  local highest = (IS_ALONE or is_confirmed) and micros + WINDOW or micros
  return token, math.max(0, math.ceil((token - highest) / 1000))
end
