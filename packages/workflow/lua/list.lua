-- list: a part of the runs, in no order.
--
-- ARGV[1] workflow, or '' for any  ARGV[2] 'live' for those that are not over, or 'over'
-- ARGV[3] where to go on, '0' first  ARGV[4] the most runs, 0 for some hundred  ARGV[5] words of states, as ',r,l,', or '' for any
-- ARGV[6], ARGV[7] those that came to their state from then on, and before then, in ms
--
-- Replies {'listed', where to go on or '0' at the end, for each run: run, its state, since when in ms}. States: r ready, l in
-- a line, d delayed, p parked, s stuck, o owned; or how one that is over has ended. A part ends between places of the hash, so
-- who goes on misses no run that is there all the while; of a place that has more than the most, there are all.
--
-- Stands on: part
local FIRST_OF_ALL = 1000000000000000
local workflow, hash = ARGV[1] .. '/', ARGV[2] == 'live' and LIVE or OVER
local most, words, earliest, latest = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local function read(text)
  local since, word = string.match(text, '^(%d+) (%a+)')
  if hash == OVER then return tonumber(since), word end
  local life = life_of(text)
  -- What was given back stands in front of all.
  local at = life.since < FIRST_OF_ALL and life.since + FIRST_OF_ALL or life.since
  return math.floor(at / 1000), life.word == 'k' and 'd' or life.word
end
local function fitting(entries, after)
  local some = {}
  for index = 1, #entries, 2 do
    local run = entries[index]
    if run > after and (workflow == '/' or string.sub(run, 1, #workflow) == workflow) then
      local since, word = read(entries[index + 1])
      local is_wanted = words == '' or string.find(words, ',' .. word .. ',', 1, true)
      if is_wanted and since >= earliest and since < latest then some[#some + 1] = {run, word, since} end
    end
  end
  return some
end
local after = string.match(ARGV[3], '^~(.*)$')
local next, runs, looked, is_over = after and '0' or ARGV[3], {}, 0, false
local count = most == 0 and 500 or after and 1 or math.min(most, 500)
repeat
  local page = redis.call('HSCAN', hash, next, 'COUNT', count)
  local is_whole, room = next == '0' and page[1] == '0', most > 0 and most - #runs or 1e9
  local some = fitting(page[2], is_whole and after or '')
  if #some > room and count > 1 then
    count = 1
  elseif #some > room and is_whole then
    -- A small hash has one place only: it is gone through by name.
    table.sort(some, function(one, other) return one[1] < other[1] end)
    runs, next, is_over = {unpack(some, 1, room)}, '~' .. some[room][1], true
  elseif #some > room and #runs > 0 then
    is_over = true
  else
    for _, run in ipairs(some) do runs[#runs + 1] = run end
    next, looked, count = page[1], looked + #page[2] / 2, #some == 0 and 500 or count
    is_over = next == '0' or most == 0 or #runs >= most or looked >= 500
  end
until is_over
local reply = {'listed', next}
for index, run in ipairs(runs) do
  reply[3 * index], reply[3 * index + 1], reply[3 * index + 2] = run[1], run[2], string.format('%.0f', run[3])
end
return reply
