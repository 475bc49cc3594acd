-- lineup: the generations of a view.
--
-- ARGV[1] view  ARGV[2] a generation whose definition is wanted, or ''
--
-- Replies {'lineup', "<generation> <state>" of each with commas between, its definition as JSON, or '', "<generation> <number of
-- the change>" of what was read before the last cut, or '', the cut that the view is in, or '', "<generation> <by when it is to be filled>" of each that is over with commas between}
--
-- Stands on: catalog
local found = redis.call('HMGET', CATALOG, 'generations:' .. ARGV[1], 'definition:' .. ARGV[1] .. '.' .. ARGV[2], 'before:' .. ARGV[1], 'cutting:' .. ARGV[1])
local over = {}
for id, state in string.gmatch(found[1] or '', '([^ ,]+) (%l+)') do
  local due = state == 'filling' and redis.call('HGET', CATALOG, 'due:' .. ARGV[1] .. '.' .. id)
  if due and tonumber(due) < micros then over[#over + 1] = id .. ' ' .. due end
end
return {'lineup', found[1] or '', found[2] or '', found[3] or '', found[4] or '', table.concat(over, ',')}
