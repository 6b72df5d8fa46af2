-- Whether a job may still take this up. `lease` is that of the sweep that made the job, or '*': what was handed over
-- since then is due later, and no longer that job's.
local function is_due(member, now, lease)
  if lease == '*' then return true end
  local due = tonumber(redis.call('ZSCORE', due_set, member))
  return not due or due <= now or due == tonumber(lease)
end

-- Claims an attempt, so that of two processes, or of a job that runs twice, one sends.
-- What is out from earlier copies stays out, whatever becomes of this one ('1' turns '2'); after a bounce nothing is
-- out ('b' turns '0').
-- Returns '' when there is nothing to send (yet, or any more) or another has claimed it, 'x' when its life is over, else
-- '1' or '0' (whether its recipient confirms) and the record as claimed: pending, or ended with its sender to be told.
local function claim(key, attempt, now, lease_until, ttl, lease)
  local value = redis.call('GET', record_name(key))
  if not value then
    redis.call('ZREM', due_set, key)
    return ''
  end
  if attempt_of(value) ~= attempt then return '' end
  if state_of(value) == 'p' then
    if not is_due(key, now, lease) then return '' end
    if now >= stored_at(value) + ttl then return 'x' end
    -- A pause keeps back further copies; a first one, which was never handed over, goes on.
    if copies_of(value) > 0 and is_paused() then
      redis.call('ZADD', due_set, now + PAUSE_STEP, key)
      return ''
    end
    redis.call('ZADD', due_set, lease_until, key)
    local out = ({ ['1'] = '2', b = '0' })[value:sub(2, 2)]
    if out then
      redis.call('SETRANGE', record_name(key), 1, out)
      value = value:sub(1, 1) .. out .. value:sub(3)
    end
  else
    local member = due_member(key, state_of(value))
    if not redis.call('ZSCORE', due_set, member) or not is_due(member, now, lease) then return '' end
    redis.call('ZADD', due_set, lease_until, member)
  end
  local confirms = redis.call('EXISTS', confirms_name(body_of(value).r))
  return confirms .. next_attempt(key, value)
end

local function out_after_handover(head) return head:sub(2, 2) == '0' and '1' or head:sub(2, 2) end

-- The server has handled a copy: from here on the timetable counts, and no longer the lease.
-- `copies` includes this one: a call whose reply was lost is made again, and must not count it twice.
-- Returns the time that it is due next, or ''.
local function handover(key, attempt, copies, due_confirming, due_other, recipient, window)
  local name = record_name(key)
  local head = redis.call('GETRANGE', name, 0, HEAD - 1)
  if head == '' or state_of(head) ~= 'p' then return '' end
  local out = out_after_handover(head)
  if attempt_of(head) ~= attempt then
    -- A later attempt is on its way and has its own lease; that this copy is out stays true.
    redis.call('SETRANGE', name, 1, out)
    return ''
  end
  copies = math.min(math.max(copies_of(head), copies), 255)
  redis.call('SETRANGE', name, 1, out .. head:sub(3, 3) .. string.format('%02x', copies))
  local due = due_confirming
  if out ~= 'b' and redis.call('EXISTS', confirms_name(recipient)) == 0 then
    due = due_other
    redis.call('SADD', waiting_name(recipient), key)
    redis.call('PEXPIRE', waiting_name(recipient), window)
  end
  redis.call('ZADD', due_set, 'XX', due, key)
  return due
end

-- A temporary bounce: the last copy did not arrive, which is noted, and the record stays pending. An earlier copy may
-- still be out: then a bounce of this one, which offline storage was forbidden to take, says nothing new.
-- Returns '' when the message is not known, '=' when it had ended, else its key, a line feed and head and body.
local function bounce(key)
  local found, value = oldest_pending(key)
  if not found then return #candidates(key) == 0 and '' or '=' end
  if value:sub(2, 2) ~= '2' then redis.call('SETRANGE', record_name(found), 1, 'b') end
  return found .. '\n' .. strip(value)
end

-- Brings the due time forward to `due`, never back.
local function hasten(key, due)
  local current = redis.call('ZSCORE', due_set, key)
  if current and tonumber(current) > due then redis.call('ZADD', due_set, 'XX', due, key) end
  return ''
end
