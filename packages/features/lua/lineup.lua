-- lineup: the generations of a view.
--
-- ARGV[1] view  ARGV[2] a generation whose definition is wanted, or ''
--
-- Replies {'lineup', "<generation> <state>" of each with commas between, its definition as JSON, or '', "<generation> <number of
-- the change>" of what was read before the last cut, or '', the cut that the view is in, or ''}
--
-- Stands on: catalog
local found = redis.call('HMGET', CATALOG, 'generations:' .. ARGV[1], 'definition:' .. ARGV[1] .. '.' .. ARGV[2], 'before:' .. ARGV[1], 'cutting:' .. ARGV[1])
return {'lineup', found[1] or '', found[2] or '', found[3] or '', found[4] or ''}
