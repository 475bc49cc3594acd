-- Prelude of the verbs that ask for a lock which somebody else may hold.

-- The vote on such a lock: held:<token>:<remaining ms>. One that is reserved for a waiter is held under token 0.
local function held_by(holder, lock)
  return 'held:' .. (string.match(holder, '^%d+') or 0) .. ':' .. redis.call('PTTL', lock)
end
