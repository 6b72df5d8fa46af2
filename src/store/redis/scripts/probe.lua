-- Writes, which shows that Redis takes writes, and tells which ledger this is: its mark is made by whoever finds none, and
-- counts the probes of all processes, so that an older copy of it is known by a count that was passed before.
-- KEYS: the prefix of all names.
-- ARGV: an id for a new mark, the format in which a new ledger is written, and how many shards that has.
-- Reply: `mark`: its id, the count, whether it was made now (1 or 0), its format and how many shards it has, both empty where it was
-- written before there were any. See include/replies.lua.
-- Complexity: O(1).
--- @include "keys"
local mark = name_of('identity')
local made = redis.call('HSETNX', mark, 'id', ARGV[1])
if made == 1 then
  redis.call('HSET', mark, 'since', redis.call('TIME')[1], 'format', ARGV[2], 'shards', ARGV[3])
  -- A process of a version without shards finds no sorted set here, and can store nothing.
  redis.call('SET', name_of('due'), 'This ledger is of a newer format')
end
local count = redis.call('HINCRBY', mark, 'count', 1)
local said = {
  'mark', redis.call('HGET', mark, 'id'), count, made, redis.call('HGET', mark, 'format') or '', redis.call('HGET', mark, 'shards') or '',
}
return table.concat(said, '\0')
