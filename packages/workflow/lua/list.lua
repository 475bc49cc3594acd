-- list: a part of the runs, in no order.
--
-- ARGV[1] workflow, or '' for any  ARGV[2] 'live' for those that are not over, or 'over'  ARGV[3] where to go on, '0' first
--
-- Replies {'listed', where to go on or '0' at the end, for each run: run, its state, since when in ms}. States: r ready, l in
-- a line, d delayed, p parked, s stuck, o owned; or how one that is over has ended
--
-- Stands on: part
local FIRST_OF_ALL = 1000000000000000
local workflow, from = ARGV[1] .. '/', ARGV[3]
local page = redis.call('HSCAN', ARGV[2] == 'live' and LIVE or OVER, from, 'COUNT', 500)
local reply = {'listed', page[1]}
for index = 1, #page[2], 2 do
  local run, text = page[2][index], page[2][index + 1]
  if workflow == '/' or string.sub(run, 1, #workflow) == workflow then
    local since, word = string.match(text, '^(%d+) (%a+)')
    if ARGV[2] == 'live' then
      local life = life_of(text)
      -- What was given back stands in front of all.
      local at = life.since < FIRST_OF_ALL and life.since + FIRST_OF_ALL or life.since
      since, word = string.format('%.0f', math.floor(at / 1000)), life.word == 'k' and 'd' or life.word
    end
    reply[#reply + 1] = run
    reply[#reply + 1] = word
    reply[#reply + 1] = since
  end
end
return reply
