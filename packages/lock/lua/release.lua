-- release: delete locks whose owner and token match, never a fence, and hand them over to the first waiter. A batch of
-- them in one call. Needs no admission: giving up one's own lock is always safe.
--
-- KEYS[1], KEYS[2] and ARGV[1] are those of the first operation, which is the only one where little is in flight
-- then, for each operation: KEYS lock, queue; ARGV lock value ("token owner"), behind a '+' if this owner has stood in
-- the queue: then it leaves it, and what is reserved for it is handed over too
--
-- Replies 'released': afterwards no lock has this value, and it makes no difference whether one had.
--
-- Stands on: queue

local function give_up(lock, queue, argument)
  local waited = string.byte(argument) == 43 -- '+'
  local value = waited and string.sub(argument, 2) or argument
  local holder = redis.call('GET', lock)
  local owner = waited and string.match(value, '^%d+ (.*)$')
  local left = waited and redis.call('ZREM', queue, owner) == 1
  if holder == value or (waited and holder == '0 ' .. owner) then
    redis.call('DEL', lock)
    hand_over(lock, queue)
  elseif left and holder then
    promote(lock, queue)
  end
end

-- Mostly nobody waits for any of a batch, and those that are held go at once. A user without the right to ask, which
-- was not needed always, gives them up one by one.
local function give_up_all()
  local locks, queues, own = {}, {}, {}
  for i = 1, #ARGV do
    locks[i], queues[i] = KEYS[2 * i - 1], KEYS[2 * i]
  end
  local nobody_waits = redis.pcall('EXISTS', unpack(queues)) == 0
  local holders = redis.call('MGET', unpack(locks))
  for i = 1, #ARGV do
    if nobody_waits and holders[i] == ARGV[i] then
      own[#own + 1] = locks[i]
    else
      give_up(locks[i], queues[i], ARGV[i])
    end
  end
  if #own > 0 then redis.call('DEL', unpack(own)) end
end

if #ARGV == 1 then give_up(KEYS[1], KEYS[2], ARGV[1]) else give_up_all() end
return 'released'
