-- Prelude of the verbs that say how far the lanes of a generation are.
--
-- Stands on: record

-- Adds to `reply`, for each lane and source partition, "<what> <lane>:<source partition>" and its value: a mark, an offset, the
-- name of the source partition, or where it finished.
local function tell_lanes(reply, generation)
  local fields = redis.call('HGETALL', RECORD)
  for index = 1, #fields, 2 do
    local what, rest = string.match(fields[index], '^(%l+):(.*)$')
    local is_lane = what == 'mark' or what == 'offset' or what == 'source' or what == 'finished'
    if is_lane and string.sub(rest, 1, #generation + 1) == generation .. ':' then
      reply[#reply + 1] = what .. ' ' .. string.sub(rest, #generation + 2)
      reply[#reply + 1] = fields[index + 1]
    end
  end
  return reply
end
