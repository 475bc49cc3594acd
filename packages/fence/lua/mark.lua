-- mark: read the mark of a resource, as redis/marks.lua describes it.
--
-- KEYS[1] the mark
--
-- Replies {'mark', mark}, with '' where there is none
return {'mark', redis.call('GET', KEYS[1]) or ''}
