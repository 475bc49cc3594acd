-- peek: rows as of one moment, with the place in the log at which they stood so.
--
-- then, for each row: KEYS its key
--
-- Replies {'peeked', '<epoch> <place>', the rows, false for each that is not there}
local rows = #KEYS > 1 and redis.call('MGET', unpack(KEYS, 2)) or {}
return {'peeked', redis.call('GET', AT) or '', unpack(rows)}
