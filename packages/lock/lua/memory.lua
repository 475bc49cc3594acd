-- Prelude of the verbs that ask whether anybody was granted a free lock since.
--
-- A node knows that of a token that is younger than all that it can have forgotten: what was before it was admitted, also
-- where a restart brought an older fence back, and fences that have expired, which this one has not if it is there. `mark`
-- is the fence, and not above the token.
--
-- Stands on: admission
local function vouches(token, mark, admitted)
  local expired = mark and 0 or micros - RETENTION * 1000
  return tonumber(token) > math.max(admitted, expired) + WINDOW
end
