-- Prelude of the verb that delivers tasks: those that nobody has any more.
--
-- Tasks that were handed back, or taken from a session that is over, come first: they have waited longest.
--
-- Stands on: entries, pace, cancelled
local function claim_returned(session, want, levels)
  local got = 0
  for _, level in ipairs(levels) do
    local stream = stream_of(level)
    local reply = got < want and
      redis.pcall('XREADGROUP', 'GROUP', GROUP, RETURNED, 'COUNT', want - got, 'STREAMS', stream, '0')
    local entries = reply and not reply.err and reply[1][2] or {}
    local kept = {}
    for _, one in ipairs(entries) do
      -- Reading it has counted this delivery already.
      local deliveries = redis.call('XPENDING', stream, GROUP, one[1], one[1], 1)[1][4]
      redis.call('HINCRBY', META, 'returned', -1)
      local cancelled = marks > 0 and unmark(level, one[1])
      if cancelled then
        void = void + 1
        end_delivery_as_cancelled(level, one[1], cancelled)
      elseif one[2] and (one[2][1] ~= 'i' or resolve(stream, one[1], one[2])) then
        redis.call('XCLAIM', stream, GROUP, session, 0, one[1], 'RETRYCOUNT', deliveries, 'JUSTID')
        kept[#kept + 1] = {one[1], one[2], deliveries}
        -- The task has begun before, so it is not held back, but it counts.
        local key = key_rate and one[2][1] == 'i' and string.match(one[2][3], '^%d %d ([^\n]*)\n')
        if key and key ~= '' and not is_tenant(key) then begin(key, tonumber(key_per), 1) end
      elseif not one[2] then
        void = void + 1
        redis.call('XACK', stream, GROUP, one[1])
      end
    end
    if #kept > 0 then
      claims[#claims + 1] = level
      claims[#claims + 1] = kept
      got = got + #kept
    end
  end
  return got
end

-- Delivers as many as are allowed to a session. Returns how many these are.
local function claim(session, allowed, levels)
  local got = 0
  if allowed > 0 and tonumber(redis.call('HGET', META, 'returned') or 0) > 0 then
    got = claim_returned(session, allowed, levels)
  end
  -- Whoever was delivered has let the next of its tenant come.
  repeat
    local before = pushed
    for _, level in ipairs(levels) do
      if got < allowed then got = got + keep(stream_of(level), level, read(level, session, allowed - got)) end
    end
  until got >= allowed or pushed == before
  note_probe(session, claims)
  return got
end
