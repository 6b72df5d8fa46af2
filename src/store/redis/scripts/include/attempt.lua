--- @include "quarantine"
--- @include "corrections"
--- @include "session-answers"
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

-- A copy that went to a session, and whose receipt is a step of the timetable late: is that session there? Returns nil when
-- the copy is to be sent again at once; else moot, or `asks`, the recipient and the resources that are to be asked: none of them
-- when it is only to be looked again who of his sessions is silent.
-- A server hands a session its stanzas in order: one that has answered since has got the copy, whatever its client makes of
-- it, and is not asked again. Else the next question comes when as much time has passed as has now, and no sooner than a step.
local function ask_first(key, value, recipient, sessions, now, ttl)
  local how, stored, handed, passed = how_it_went(key, recipient)
  local settled = how == 'a' or how == 'e'
  if not settled and not IS_ASKED_ABOUT[how] then return nil end
  local expiry = stored_at(value) + ttl
  local answers = asked.answers_of(recipient, sessions)
  local wanted, unsure, silent, left = { recipient }, not settled, false, false
  if unsure then
    if not outlived(sessions, handed) then return nil end
    unsure = false
    for resource, session in pairs(sessions) do
      local answer = answers[resource]
      if may_have_had(session, handed) and not (answer and answer.state == 'a' and answer.asked >= handed) then
        unsure = true
        silent = silent or asked.is_silent(answers, resource)
        local patience = answer and answer.state == '?' and math.max(POLICY.SESSION_ANSWER, times.first_step) or times.first_step
        local is_wanted = not answer or now - answer.asked >= patience
        if is_wanted and #wanted > asked.AT_ONCE then left = true
        elseif is_wanted then
          wanted[#wanted + 1] = resource
          -- One that was silent is so until it answers.
          local state = asked.is_silent(answers, resource) and 's' or '?'
          redis.call('HSET', name_of('asked', recipient), resource, string.format('%.0f;%.0f;%s', session.since, now, state))
        end
      end
    end
    if #wanted > 1 then redis.call('PEXPIRE', name_of('asked', recipient), asked.KEPT_FOR) end
  end
  if not unsure then
    if how == 'k' then return nil end
    local now_how = (how == 'o' and 'a') or ((how == 'g' or how == 't') and 'e') or how
    if now_how ~= how then write_out(key, now_how, stored, handed, recipient, passed) end
    redis.call('ZADD', due_set, expiry, key)
    return 'moot'
  end
  redis.call('ZADD', due_set, math.min(expiry, now + (left and times.first_step or math.max(times.first_step, now - handed))), key)
  return (#wanted > 1 or silent) and list_of('asks', wanted) or 'moot'
end

-- Claims an attempt, so that of two processes, or of a job that runs twice, one sends.
-- What is out from earlier copies stays out, whatever becomes of this one ('1' turns '2'); after a bounce nothing is
-- out ('b' turns '0').
-- Reply: moot, when there is nothing to send (yet, or any more) or another has claimed it; overdue, when its life is over; what
-- `ask_first` gives when his sessions are to be asked first; claimed: whether offline storage must not take this copy, the
-- resource that it should go to or '', and the record as claimed: pending, or ended with its sender to be told, a failure with
-- its payload where that is kept.
local function claim(key, attempt, now, lease_until, ttl, lease, keep)
  local value = read(key)
  if not value then
    -- What is left of a damaged one may be owed.
    if not peek(key) then redis.call('ZREM', due_set, key) end
    return 'moot'
  end
  if attempt_of(value) ~= attempt then return 'moot' end
  local no_store, target = '0', ''
  if state_of(value) == 'p' then
    if not is_due(key, now, lease) then return 'moot' end
    if now >= stored_at(value) + ttl then return 'overdue' end
    -- A pause keeps back further copies; a first one, which was never handed over, goes on.
    if copies_of(value) > 0 and is_paused() then
      redis.call('ZADD', due_set, now + POLICY.WHILE_PAUSED, key)
      return 'moot'
    end
    local fields = fields_of(value)
    local outdated = fields.target ~= '' and corrections.outdated_by(key, fields.target)
    if outdated == 'd' then
      corrections.end_outdated(key, value)
      return 'moot'
    elseif outdated then
      redis.call('ZADD', due_set, math.min(now + POLICY.OUTDATED_CORRECTION, stored_at(value) + ttl), key)
      return 'moot'
    end
    local presence, sessions = presence_of(fields.recipient)
    local says = acknowledges(fields.sender, fields.recipient, sessions)
    if must_wait(presence, says, copy_of(value)) then
      redis.call('ZADD', due_set, stored_at(value) + ttl, key)
      return 'moot'
    end
    -- After the link was down his presence is not known for a while, and the sessions that it went to may be there.
    if presence == '?' and lease ~= '*' and next(sessions) and copies_of(value) > 0 and WITH_SESSION[how_it_went(key, fields.recipient)] then
      redis.call('ZADD', due_set, now + times.first_step, key)
      return 'moot'
    end
    if rule(TIMER, presence, says, copy_of(value)) == 'A' then
      -- What somebody wants now is not asked about.
      local question = lease ~= '*' and ask_first(key, value, fields.recipient, sessions, now, ttl)
      if question then return question end
      local best, others_silent = asked.surest(sessions, asked.answers_of(fields.recipient, sessions))
      local how, stored, handed, passed = how_it_went(key, fields.recipient)
      if others_silent or how == 'k' then target = best end
      if target ~= '' and WITH_SESSION[how] then write_out(key, 'T', stored, handed, fields.recipient, passed) end
    end
    redis.call('ZADD', due_set, lease_until, key)
    note(key, now, 'claimed', keep)
    -- Where nothing is known of him, each copy more would be one more in offline storage; one that is sent on evidence
    -- is the only one.
    no_store = presence == '?' and (says == 'y' or copies_of(value) > 0) and '1' or '0'
    local out = ({ ['1'] = '2', b = '0' })[copy_of(value)]
    if out then
      redis.call('SETRANGE', record_name(key), 2, out)
      value = sub(value, 1, 2) .. out .. sub(value, 4)
    end
  else
    local member = due_member(key, state_of(value))
    if not redis.call('ZSCORE', due_set, member) or not is_due(member, now, lease) then return 'moot' end
    local told, away = value, false
    -- A receipt is a message that servers keep for somebody who is away.
    if state_of(value) ~= 'd' then
      local tombstone = strip(value)
      told, away = towards_sender(tombstone)
      -- The error about a failure has the message's body, which is kept with what was not delivered.
      local whole = #tombstone < #value and value or not away and state_of(value) ~= 'u' and undelivered(key)
      if whole then told = told .. sub(whole, #strip(whole) + 1) end
    end
    redis.call('ZADD', due_set, away and now + POLICY.NOTICE_TO_ABSENT_SENDER or lease_until, member)
    if away then return 'moot' end
    value = told
  end
  return 'claimed\0' .. no_store .. '\0' .. target .. '\0' .. next_attempt(key, value)
end

local function out_after_handover(head) return copy_of(head) == '0' and '1' or copy_of(head) end

-- How a copy went that the server has handled just now.
local function how_it_goes(key, presence, says, sessions, stays_nowhere, resource, recipient, copies)
  if presence == '?' then
    -- Of a first copy there is nothing to look up.
    if copies < 2 then return '?' end
    local before, _, _, passed = how_it_went(key, recipient)
    return before == 'v' and 'v' or '?', passed
  end
  if presence == 'o' and resource ~= '' and not sessions[resource] then return 'x' end
  if presence == 'f' then return stays_nowhere and 'x' or 's' end
  if says == 'n' then return 'n' end
  local before, _, _, passed = how_it_went(key, recipient)
  return (before == 'T' and 't') or (WITH_SESSION[before] and 'g') or 'o', passed
end

-- The server has handled a copy: from here on the rules count, and no longer the lease.
-- `copies` includes this one: a call whose reply was lost is made again, and must not count it twice.
-- `stays_nowhere`: it was marked to be kept from offline storage. `resource`: it went to that one, and to no other should
-- that be gone.
-- Reply: due, when (ms) next; moot, when nothing is, or a later attempt has it.
local function handover(key, attempt, copies, by_timetable, unconfirmed, sender, recipient, stays_nowhere, resource, now, ttl, keep)
  local name = record_name(key)
  local head = head_of(key)
  if not head or not is_pending(head) then return 'moot' end
  local out = out_after_handover(head)
  if attempt_of(head) ~= attempt then
    -- A later attempt is on its way and has its own lease; that this copy is out stays true.
    redis.call('SETRANGE', name, 2, out)
    return 'moot'
  end
  copies = math.min(math.max(copies_of(head), copies), 255)
  local presence, sessions = presence_of(recipient, resource ~= '')
  local says = acknowledges(sender, recipient, sessions)
  local how, passed = 'b', false
  if out ~= 'b' then how, passed = how_it_goes(key, presence, says, sessions, stays_nowhere, resource, recipient, copies) end
  -- What went nowhere is as good as bounced, whatever is known of his client.
  if how == 'x' and out == '1' then out = 'b' end
  if copies_of(head) == 0 then shares.add(key, sender, recipient) end
  redis.call('SETRANGE', name, 2, out .. sub(head, 4, 4) .. string.format('%02x', copies))
  put_out(key, how, stored_at(head), now, sender, recipient, keep, passed)
  note(key, now, 'handed-over ' .. how, keep)
  local expiry = stored_at(head) + ttl
  -- Who has had all that he may be sent is not asked for more.
  local question = rule(SILENT, presence, says, out) == '1' and unconfirmed >= expiry and expiry or by_timetable
  local dues = { T = by_timetable, A = question, U = unconfirmed, ['-'] = expiry }
  local due = dues[rule(TIMER, presence, says, out)]
  redis.call('ZADD', due_set, 'XX', due, key)
  return string.format('due\0%.0f', due)
end

-- A temporary bounce: the last copy did not arrive, which is noted, and the record stays pending. An earlier copy may
-- still be out: then a bounce of this one, which offline storage was forbidden to take, says nothing new.
-- Reply: unknown; ended (before); bounced, key, record without its payload.
local function bounce(key, now, keep)
  local found, value = quarantine.oldest_sound(key)
  if not found then return #candidates(key) == 0 and 'unknown' or 'ended' end
  if copy_of(value) ~= '2' then
    local fields = fields_of(value)
    redis.call('SETRANGE', record_name(found), 2, 'b')
    put_out(found, 'b', stored_at(value), now, fields.sender, fields.recipient, keep)
    note(found, now, 'bounced', keep)
    value = sub(value, 1, 2) .. 'b' .. sub(value, 4)
  end
  return 'bounced\0' .. found .. '\0' .. strip(value)
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
  if presence_of(recipient) == 'f' then return 'done' end
  local current = redis.call('ZSCORE', due_set, key)
  if current and tonumber(current) > due then redis.call('ZADD', due_set, 'XX', due, key) end
  return 'done'
end
