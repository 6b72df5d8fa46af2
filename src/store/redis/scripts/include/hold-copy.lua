--- @include "stored-records"
--- @include "clock"
-- Holds back what a shard has of an older copy: see restored.lua.

-- Other processes find the same a moment later: what was stored since is not of the copy.
local SAME = 60000

local function hold_copy(now, ttl)
  local name = name_of('restored')
  local before = redis.call('GET', name)
  local upto = before and tonumber(before:match('^%d+'))
  if upto and now - upto <= SAME then return end
  local pending = 0
  for _, count in ipairs(redis.call('HVALS', name_of('ages'))) do pending = pending + tonumber(count) end
  redis.call('SET', name, string.format('%.0f %d h', now, pending), 'PX', ttl)
end

-- A shard of a Redis Cluster has a mark of its own, <prefix>:mark STRING: '<the ledger's id> <its count>', as the last probe of any process
-- noted it there (mark.lua), and behind another space what it should have been at least when it was found to be of an older copy. Returns
-- both, the latter 0 where nothing was found; or nil where it is not of this ledger.
local function marked_count(id)
  local of, count, found = match(redis.call('GET', name_of('mark')) or '', '^(%S+) (%d+) ?(%d*)$')
  if of ~= id then return nil end
  return tonumber(count), tonumber(found) or 0
end
