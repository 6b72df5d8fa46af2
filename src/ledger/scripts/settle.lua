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

-- Whether a record stands in the sorted set with most of its first lease to come: then its place there serves for the
-- notice to its sender as well, and need not be changed.
local function first_lease_runs(value, now, lease_until)
  return attempt_of(value) == 1 and copies_of(value) == 0 and 3 * (now - stored_at(value)) < lease_until - now
end

-- A receipt: ends the oldest pending record that goes by this key as delivered, else one that had ended otherwise.
-- Returns '' when none is known, '=' when it was delivered before, else 'd' (it was pending) or 'l' (late), its key, a
-- line feed and the tombstone; of one that the asker has at hand, the tombstone's head alone.
local function settle(key, members, at_hand, now, owed_until, window)
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
  local member = due_member(found, 'd')
  if not owes_receipt(value) then
    gather_over(member)
  elseif not (code == 'd' and first_lease_runs(value, now, owed_until)) then
    gather_due(owed_until, member)
  end
  if code == 'l' then gather_over(due_member(found, state_of(value))) end
  return code .. found .. '\n' .. (found == at_hand and tombstone:sub(1, HEAD) or tombstone)
end
