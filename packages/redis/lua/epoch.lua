-- Prelude of the verbs that issue fencing tokens, or must know whether the server may have forgotten some.
--
-- Of META, a hash, it keeps the fields
--   server     the server that answered last
--   epoch      its first token, which names it
--   token      the last token
--   confirmed  the epoch that replicas are known to have
-- An epoch ends when the server is another one, or the same with an older memory: it may have forgotten tokens,
-- deliveries and ends that it had acknowledged. Tokens are times in microseconds; those of an epoch begin above all
-- that can have been issued before.
--
-- Names keys: META
--
-- Stands on: server
identify()
local WINDOW = 5000000 -- microseconds by which the clocks of servers that follow one another may differ
local AHEAD = 1000000 -- more than the tokens that any server issues until its clock has come to the first of its epoch

-- The epoch, and its last token. `meta` is META's server, epoch and token.
local function epoch_of(meta)
  local server, epoch, last = meta[1], meta[2], meta[3]
  if server == SERVER then return epoch, last end
  local first = string.format('%.0f', math.max(micros + WINDOW - 1, tonumber(last or 0) + AHEAD))
  redis.call('HSET', META, 'server', SERVER, 'epoch', first, 'token', first)
  return first, first
end

-- A fencing token, higher than the last one and than `seen`, which the caller knows of; and for how many ms it may not
-- be issued yet. No token more than a window above the time is issued, so a server that forgets everything begins above
-- all of them. The next server, if it does not know this epoch, begins a window above its own time, which may be a
-- window behind: so until a replica has confirmed that it knows the epoch, no token is issued before its time has come.
local function next_token(last, seen, is_confirmed)
  local token = math.max(micros, tonumber(last) + 1, tonumber(seen) + 1)
  local highest = (IS_ALONE or is_confirmed) and micros + WINDOW or micros
  return token, math.max(0, math.ceil((token - highest) / 1000))
end
