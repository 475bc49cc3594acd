-- Prelude of the verbs that ask whether anybody was granted a free lock since a token.
--
-- A node can tell for a token that is younger than everything that it may have forgotten: everything before its
-- admission, even if a restart brought an older fence back; and fences that have expired, which this one has not if it
-- is there. `mark` is the fence, and not above the token. Nor does a node vouch for a token that no node can have
-- granted, which is more than two windows ahead of this node: as a fence it would bar every later one.
--
-- Stands on: admission
local function vouches(token, mark, admitted)
  local expired = mark and 0 or micros - tonumber(RETENTION) * 1000
  if tonumber(token) > micros + 2 * WINDOW then return false end
  return tonumber(token) > math.max(admitted, expired) + WINDOW
end
