-- limits: read the limits that are kept with the queue.
--
-- Replies {'limits', the limits as text, '' for none}
--
-- Stands on: queue
return {'limits', redis.call('HGET', META, 'limits') or ''}
