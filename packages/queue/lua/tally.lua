-- Prelude of the verbs that end deliveries and that count: how many have ended how, and how long tasks took from their add to their end, in
-- META, for as long as the queue exists.
--
-- The fields: ends:done, ends:retry, ends:dead, ends:later; took:<bound> for those that took at most so many ms, and longer than the bound
-- before; took:sum in ms.
--
-- Stands on: queue
local BOUNDS = '5 10 25 50 100 250 500 1000 2500 5000 10000 30000 60000 300000 1800000'
local tallied = {}

local function tally(field, count)
  tallied[field] = (tallied[field] or 0) + count
end

-- `trace`: as src/inspection.ts encodes it. The time of an older version's task may not be known.
local function tally_trace(trace)
  tally('ends:done', 1)
  local added, begun, duration = string.match(trace, '^%d+\n(%d+)\n(%d+)\n(%d+)')
  if not added then return end
  local took = begun - added + duration
  tally('took:sum', took)
  for bound in string.gmatch(BOUNDS, '%d+') do
    if took <= tonumber(bound) then return tally('took:' .. bound, 1) end
  end
  tally('took:more', 1)
end

local function keep_tally()
  for field, count in pairs(tallied) do redis.call('HINCRBY', META, field, count) end
end

-- All fields, those of bounds in their order.
local function tally_fields()
  local fields = {}
  for field in string.gmatch('ends:done ends:retry ends:dead ends:later took:sum', '%S+') do fields[#fields + 1] = field end
  for bound in string.gmatch(BOUNDS .. ' more', '%S+') do fields[#fields + 1] = 'took:' .. bound end
  return fields
end
