--- @include "evidence"
--- @include "delivered"
-- What its sender puts in an earlier message's place: corrections (XEP-0308) and retractions (XEP-0424). The last of them is
-- the one that counts, so an older one that did not arrive is not sent again after it.
-- keys.ts `corrections`: keys of those about the message of this key, in the order in which they were stored. A record's field
-- `target`: the key of the message that it is about. What is done for few messages is in correct.lua.

local corrections = {}
lazily(corrections, function()

-- What became of the later ones about the same message: 'd' when one was delivered, 'p' when one is pending, else nil. What
-- ended otherwise takes no other's place.
function corrections.outdated_by(key, target)
  local keys, found = redis.call('LRANGE', name_of('c', target), -MANY, -1), nil
  for position = #keys, 1, -1 do
    if keys[position] == key then return found end
    local head = head_of(keys[position])
    local state = head and state_of(head)
    if state == 'd' or (not head and delivered.digest_of(keys[position])) then return 'd' end
    found = state == 'p' and 'p' or found
  end
  -- It is older than all of those that are remembered.
  return found
end

-- Ends one whose place another has taken as delivered with it; its sender is told by the next sweep.
function corrections.end_outdated(key, value)
  finish(key, value, 'd', string.format('%.0f', times.now), times.window)
  untrack_copy(key, value)
  if owes_receipt(value) then
    redis.call('ZADD', due_set, times.now, key)
  else
    redis.call('ZREM', due_set, key)
    gather_told(key)
  end
end
end)
