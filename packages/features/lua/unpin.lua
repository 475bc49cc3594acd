-- unpin: give pins up.
--
-- ARGV[1] the name of the pins
-- then, for each view: ARGV its name, the generation
--
-- Replies {'done', number of the last change}
--
-- Stands on: catalog
for index = 2, #ARGV, 2 do redis.call('HDEL', CATALOG, 'pin:' .. ARGV[index] .. '.' .. ARGV[index + 1] .. ':' .. ARGV[1]) end
return {'done', n}
