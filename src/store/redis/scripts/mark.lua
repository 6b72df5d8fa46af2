-- Notes in a shard of a Redis Cluster how far the count of the ledger's mark has come (probe.lua). By that it is known when the shard was set
-- back to an older copy: its content is held back then, in the same step, as nothing is left afterwards that would show it.
-- KEYS: the shard's prefix.
-- ARGV: the ledger's id; its count, which is noted unless that is a later one; what is known to have been noted here, and the same less
-- what a replica may lack that took over (0 where nothing is known); the message TTL (ms).
-- Reply: `kept`, `older` (it was set back) or `emptied` (what was noted is gone, and so are the messages), what was noted before, or
-- nothing, and what should have been noted when that was found last, by whichever process. See include/replies.lua.
-- Complexity: O(m) for m minutes in which something pending was stored.
--- @include "hold-copy"
local id, count, known, least, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- What is pending in a shard that was emptied came since, and is younger (ms).
local FRESH = 120000
local now = ledger_time('::')

local function has_old()
  for _, minute in ipairs(redis.call('HKEYS', name_of('ages'))) do
    if now - tonumber(minute) * 60000 > FRESH then return true end
  end
  return false
end

shards.use(1)
local before, found = marked_count(id)
local what = 'kept'
if least > 0 and not before then
  what = has_old() and 'older' or 'emptied'
elseif least > 0 and before < least and found < least then
  -- Else another process has found the same, which may be long ago: an operator has had his say, and what is here is of now.
  what = 'older'
end
if what == 'older' then hold_copy(now, ttl) end
if what ~= 'kept' then found = known end
if what ~= 'kept' or count > (before or 0) then
  redis.call('SET', name_of('mark'), string.format('%s %.0f %.0f', id, count, found or 0))
end
return what .. '\0' .. (before or '') .. '\0' .. (found or '')
