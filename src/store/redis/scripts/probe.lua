-- Writes, which shows that Redis takes writes, and tells which ledger this is: its mark is made by whoever finds none, and
-- counts the probes of all processes, so that an older copy of it is known by a count that was passed before.
-- ARGV: id for a new mark. Returns the mark's id, the count, and whether it was made now.
local mark = KEYS[1] .. ':identity'
local made = redis.call('HSETNX', mark, 'id', ARGV[1])
if made == 1 then redis.call('HSET', mark, 'since', redis.call('TIME')[1]) end
local count = redis.call('HINCRBY', mark, 'count', 1)
return { redis.call('HGET', mark, 'id'), count, made }
