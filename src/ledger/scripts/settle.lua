-- Remembers that this recipient returns receipts. If that is news, all that waits for him goes on the normal timetable.
local function remember(recipient, now, confirms_for, first_step, ttl)
  local name = confirms_name(recipient)
  local news = redis.call('EXISTS', name) == 0
  redis.call('SET', name, '1', 'PX', confirms_for)
  if not news then return end
  for _, key in ipairs(redis.call('SMEMBERS', waiting_name(recipient))) do
    local head = redis.call('GETRANGE', record_name(key), 0, HEAD - 1)
    if head ~= '' and state_of(head) == 'p' then
      redis.call('ZADD', due_set, 'XX', math.min(now + first_step, stored_at(head) + ttl), key)
    end
  end
  redis.call('DEL', waiting_name(recipient))
end

-- A receipt: ends the oldest pending record that goes by this key as delivered, else one that had ended otherwise.
-- Returns '' when none is known, '=' when it was delivered before, else 'd' (it was pending) or 'l' (late), its key, a
-- line feed and the tombstone; of one that the asker has at hand, the tombstone's head alone.
local function settle(key, members, at_hand, owed_until, window)
  local found, value = oldest_pending(key)
  local code = 'd'
  if not found then
    code = 'l'
    local all = candidates(key)
    if #all == 0 then return '' end
    for _, candidate in ipairs(all) do
      if state_of(candidate[2]) ~= 'd' then
        found, value = candidate[1], candidate[2]
        break
      end
    end
    if not found then return '=' end
    redis.call('DEL', undelivered_name(found))
  end
  local tombstone = finish(found, value, 'd', members, window)
  if owes_receipt(value) then
    local owed = gathered.owed
    owed[#owed + 1] = owed_until
    owed[#owed + 1] = owed_member(found, 'd')
  end
  if code == 'l' then redis.call('ZREM', owed_set, owed_member(found, state_of(value))) end
  return code .. found .. '\n' .. (found == at_hand and tombstone:sub(1, HEAD) or tombstone)
end
