-- Whether a job may still take this up. `lease` is that of the sweep that made the job, or '*': what was handed over
-- since then is due later, and no longer that job's.
local function is_due(member, now, lease)
  if lease == '*' then return true end
  local due = tonumber(redis.call('ZSCORE', due_set, member))
  return not due or due <= now or due == tonumber(lease)
end

-- Whether nothing is to be sent whatever the clock says: he is known to be away and comes back, or a missing receipt of
-- his means nothing.
local function must_wait(presence, says, copy)
  if rule(TIMER, presence, says, copy) ~= '-' then return false end
  return presence == 'f' or (rule(ENDED, presence, says, copy) == '-' and rule(PRESENCE, presence, says, copy) == '-')
end

-- Claims an attempt, so that of two processes, or of a job that runs twice, one sends.
-- What is out from earlier copies stays out, whatever becomes of this one ('1' turns '2'); after a bounce nothing is
-- out ('b' turns '0').
-- Returns '' when there is nothing to send (yet, or any more) or another has claimed it, 'x' when its life is over, else
-- '1' or '0' (whether offline storage must not take this copy) and the record as claimed: pending, or ended with its
-- sender to be told.
local function claim(key, attempt, now, lease_until, ttl, lease, keep)
  local value = read(key)
  if not value then
    redis.call('ZREM', due_set, key)
    return ''
  end
  if attempt_of(value) ~= attempt then return '' end
  local no_store = '0'
  if state_of(value) == 'p' then
    if not is_due(key, now, lease) then return '' end
    if now >= stored_at(value) + ttl then return 'x' end
    -- A pause keeps back further copies; a first one, which was never handed over, goes on.
    if copies_of(value) > 0 and is_paused() then
      redis.call('ZADD', due_set, now + PAUSE_STEP, key)
      return ''
    end
    local body = body_of(value)
    local presence, sessions = presence_of(body.r)
    local says = acknowledges(body.s, body.r, sessions)
    if must_wait(presence, says, value:sub(2, 2)) then
      redis.call('ZADD', due_set, stored_at(value) + ttl, key)
      return ''
    end
    redis.call('ZADD', due_set, lease_until, key)
    note(key, now, 'claimed', keep)
    -- Where nothing is known of him, each copy more would be one more in offline storage; one that is sent on evidence
    -- is the only one.
    no_store = presence == '?' and (says == 'y' or copies_of(value) > 0) and '1' or '0'
    local out = ({ ['1'] = '2', b = '0' })[value:sub(2, 2)]
    if out then
      redis.call('SETRANGE', record_name(key), 1, out)
      value = value:sub(1, 1) .. out .. value:sub(3)
    end
  else
    local member = due_member(key, state_of(value))
    if not redis.call('ZSCORE', due_set, member) or not is_due(member, now, lease) then return '' end
    local told, away = value, false
    -- A receipt is a message that servers keep for somebody who is away.
    if state_of(value) ~= 'd' then told, away = towards_sender(value) end
    redis.call('ZADD', due_set, away and now + AWAY_FOR or lease_until, member)
    if away then return '' end
    value = told
  end
  return no_store .. next_attempt(key, value)
end

local function out_after_handover(head) return head:sub(2, 2) == '0' and '1' or head:sub(2, 2) end

-- How a copy went that the server has handled just now.
local function how_it_goes(key, presence, says, sessions, stays_nowhere, resource, recipient)
  if presence == '?' then return '?' end
  if presence == 'o' and resource ~= '' and not sessions[resource] then return 'x' end
  if presence == 'f' then return stays_nowhere and 'x' or 's' end
  if says == 'n' then return 'n' end
  local before, handed = how_it_went(key, recipient)
  return (before == 'o' or before == 'g') and outlived(sessions, handed) and 'g' or 'o'
end

-- The server has handled a copy: from here on the rules count, and no longer the lease.
-- `copies` includes this one: a call whose reply was lost is made again, and must not count it twice.
-- `stays_nowhere`: it was marked to be kept from offline storage. `resource`: it went to that one, and to no other should
-- that be gone.
-- Returns the time that it is due next, or ''.
local function handover(key, attempt, copies, by_timetable, unconfirmed, sender, recipient, stays_nowhere, resource, now, ttl, keep)
  local name = record_name(key)
  local head = head_of(key)
  if not head or not is_pending(head) then return '' end
  local out = out_after_handover(head)
  if attempt_of(head) ~= attempt then
    -- A later attempt is on its way and has its own lease; that this copy is out stays true.
    redis.call('SETRANGE', name, 1, out)
    return ''
  end
  copies = math.min(math.max(copies_of(head), copies), 255)
  local presence, sessions = presence_of(recipient)
  local says = acknowledges(sender, recipient, sessions)
  local how = out == 'b' and 'b' or how_it_goes(key, presence, says, sessions, stays_nowhere, resource, recipient)
  -- What went nowhere is as good as bounced, whatever is known of his client.
  if how == 'x' and out == '1' then out = 'b' end
  if copies_of(head) == 0 then shares.add(key, sender, recipient) end
  redis.call('SETRANGE', name, 1, out .. head:sub(3, 3) .. string.format('%02x', copies))
  put_out(key, how, stored_at(head), now, sender, recipient, keep)
  note(key, now, 'handed-over ' .. how, keep)
  local dues = { T = by_timetable, U = unconfirmed, ['-'] = stored_at(head) + ttl }
  local due = dues[rule(TIMER, presence, says, out)]
  redis.call('ZADD', due_set, 'XX', due, key)
  return string.format('%.0f', due)
end

-- A temporary bounce: the last copy did not arrive, which is noted, and the record stays pending. An earlier copy may
-- still be out: then a bounce of this one, which offline storage was forbidden to take, says nothing new.
-- Returns '' when the message is not known, '=' when it had ended, else its key, a line feed and head and body.
local function bounce(key, now, keep)
  local found, value = oldest_pending(key)
  if not found then return #candidates(key) == 0 and '' or '=' end
  if value:sub(2, 2) ~= '2' then
    local body = body_of(value)
    redis.call('SETRANGE', record_name(found), 1, 'b')
    put_out(found, 'b', stored_at(value), now, body.s, body.r, keep)
    note(found, now, 'bounced', keep)
  end
  return found .. '\n' .. strip(value)
end

-- What waits for its turn stays leased. ARGV[first] to ARGV[last]: keys and attempts; what another has claimed is his.
local function postpone(lease_until, first, last)
  for position = first, last, 2 do
    local key = ARGV[position]
    local head = head_of(key)
    if head and is_pending(head) and attempt_of(head) == tonumber(ARGV[position + 1]) then
      redis.call('ZADD', due_set, 'XX', 'GT', lease_until, key)
    end
  end
end

-- Gives back what was leased until then, if it is not somebody else's by now.
local function release(member, lease_until, now)
  if tonumber(redis.call('ZSCORE', due_set, member)) == lease_until then redis.call('ZADD', due_set, 'XX', now, member) end
end

-- Brings the due time forward to `due`, never back, and not while he is known to be away.
local function hasten(key, due, recipient)
  if presence_of(recipient) == 'f' then return '' end
  local current = redis.call('ZSCORE', due_set, key)
  if current and tonumber(current) > due then redis.call('ZADD', due_set, 'XX', due, key) end
  return ''
end
