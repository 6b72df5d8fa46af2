-- Writes, which shows that Redis takes writes, and tells which ledger this is: its mark is made by whoever finds none, and
-- counts the probes of all processes, so that an older copy of it is known by a count that was passed before.
-- KEYS: the prefix of all names.
-- ARGV: an id for a new mark.
-- Reply: `mark`: its id, the count, and whether it was made now (1 or 0). See include/replies.lua.
-- Complexity: O(1).
--- @include "keys"
local mark = name_of('identity')
local made = redis.call('HSETNX', mark, 'id', ARGV[1])
if made == 1 then redis.call('HSET', mark, 'since', redis.call('TIME')[1]) end
local count = redis.call('HINCRBY', mark, 'count', 1)
return table.concat({ 'mark', redis.call('HGET', mark, 'id'), count, made }, '\0')
